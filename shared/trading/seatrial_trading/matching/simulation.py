"""Simulates whole signal arrays with the compiled account step."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching import layout, records
from seatrial_trading.matching.array_loop import advance
from seatrial_trading.matching.columns import SubBars, order_columns, price_columns
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.matching.excursions import intrabar_drawdown, worst_equity
from seatrial_trading.matching.kernel import finish
from seatrial_trading.matching.layout import S_CASH, S_QUANTITY, Rejection
from seatrial_trading.matching.records import RejectedSignal, TradeRecord
from seatrial_trading.matching.sub_bars import match_sub_bars
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.column import Floats
from seatrial_trading.strategy.signals import Signals


@dataclass(frozen=True, eq=False)
class Simulation:
    """The result of a run over n bars.

    Args:
        candles: The bars of the run.
        table: Closed trades in the order of their exits, float64[m, T_SIZE], columns of `layout.T_*`.
        equity: Account value in quote currency, float64[n + 1]: at the open of bar 0, then at each close.
        rejections: A Rejection for the decision of each bar, 0 for none, int8[n].
        ambiguous_bars: Bars on which the order of high and low changed the result; with `magnify` finer bars.
        ambiguous_trades: Closed trades that met such a bar.
        final_cash: Cash at the end, in quote currency.
        open_quantity: Quantity that is still open, negative for a short position.
        magnified_bars: Bars that were simulated along their finer bars; not those out of reach of every order.
        unmagnified_bars: Bars that needed finer bars and lack them; they used the worst rule.
        open_row: The open position as a row of `table` with an exit after the last bar, None when flat.
    """

    candles: Candles
    table: Floats
    equity: Floats
    rejections: NDArray[np.int8] = field(repr=False)
    ambiguous_bars: int
    ambiguous_trades: int
    final_cash: float
    open_quantity: float
    magnified_bars: int = 0
    unmagnified_bars: int = 0
    open_row: Floats | None = field(default=None, repr=False)

    @cached_property
    def trades(self) -> list[TradeRecord]:
        """Return the closed trades as records."""
        times = self.candles.time_ms
        return [
            records.trade(
                number,
                row,
                self.candles.symbol,
                int(times[int(row[layout.T_ENTRY_INDEX])]),
                int(times[int(row[layout.T_EXIT_INDEX])]),
            )
            for number, row in enumerate(self.table, start=1)
        ]

    @cached_property
    def rejected(self) -> list[RejectedSignal]:
        """Return the decisions that led to no order."""
        return [
            RejectedSignal(
                int(i), int(self.candles.time_ms[i]), records.REJECTION_TEXTS[Rejection(int(self.rejections[i]))]
            )
            for i in np.flatnonzero(self.rejections)
        ]

    @cached_property
    def low_equity(self) -> Floats:
        """Return the equity at the worst price of each bar, float64[n + 1]; never above `equity`."""
        bars = self.candles
        return worst_equity(self.position_rows, self.equity, bars.high, bars.low, bars.close)

    @cached_property
    def intrabar_drawdown(self) -> float:
        """Return the greatest fall of `low_equity` below the highest `equity` before it, a ratio of at least 0."""
        bars = self.candles
        return float(intrabar_drawdown(self.position_rows, self.equity, bars.high, bars.low, bars.close))

    @property
    def position_rows(self) -> Floats:
        """Return the rows of `table` and, last, that of the open position if there is one."""
        return self.table if self.open_row is None else np.vstack((self.table, self.open_row))


def simulate(candles: Candles, signals: Signals, config: ExecutionConfig, finer: Candles | None = None) -> Simulation:
    """Simulate the trades of signals on bars.

    Args:
        candles: n bars.
        signals: n decisions; row i is made at the close of bar i and fills at the open of bar i + 1 at the earliest.
        config: Initial balance, costs, sizing and the intrabar rule.
        finer: Bars of a shorter interval that make up `candles`; required with `intrabar="magnify"`, else ignored.

    Raises:
        ValueError: There are more or fewer signals than bars.
        ValidationFailed: The finer bars are missing, or do not match the bars.

    Example:
        >>> from seatrial_trading.strategy.buy_and_hold import BUY_AND_HOLD, BuyAndHoldParams
        >>> columns = {"time": [0, 60_000], "open": [10, 11], "high": [12, 12], "low": [9, 10], "close": [11, 12]}
        >>> candles = Candles.from_columns("ABC", columns)
        >>> result = simulate(candles, BUY_AND_HOLD.signals(candles, BuyAndHoldParams()), ExecutionConfig())
        >>> result.equity.shape
        (3,)
    """
    return simulate_matched(candles, signals, config, match_sub_bars(candles, finer, config))


def simulate_matched(candles: Candles, signals: Signals, config: ExecutionConfig, sub_bars: SubBars) -> Simulation:
    """Simulate as `simulate` does, with finer bars that are matched already.

    Raises:
        ValueError: There are more or fewer signals than bars.
    """
    if len(signals) != len(candles):
        raise ValueError(f"signals must have one row for each bar: {len(signals)} signals, {len(candles)} bars")
    packed, state = config.pack(candles.interval_ms), config.new_state()
    n = len(candles)
    trades = np.empty((int(np.count_nonzero(signals.entry)) + 1, layout.T_SIZE))
    equity = np.empty(n + 1)
    equity[0] = config.cash
    rejections = np.zeros(n, dtype=np.int8)
    advance(
        price_columns(candles), sub_bars, order_columns(signals), state, packed, trades, equity, rejections, 0, n, False
    )
    if config.close_at_end:
        finish(state, packed, trades)
        equity[-1] = state[S_CASH]
    return Simulation(
        candles=candles,
        table=trades[: int(state[layout.S_TRADES])].copy(),
        equity=equity,
        rejections=rejections,
        ambiguous_bars=int(state[layout.S_AMBIGUOUS_BARS]),
        ambiguous_trades=int(state[layout.S_AMBIGUOUS_TRADES]),
        final_cash=float(state[S_CASH]),
        open_quantity=float(state[S_QUANTITY]),
        magnified_bars=int(state[layout.S_MAGNIFIED]),
        unmagnified_bars=int(state[layout.S_UNMAGNIFIED]),
        open_row=_open_row(state, n),
    )


def _open_row(state: Floats, bars: int) -> Floats | None:
    if state[S_QUANTITY] == 0.0:
        return None
    row = np.zeros(layout.T_SIZE)
    row[layout.T_SIDE] = side = np.sign(state[S_QUANTITY])
    row[layout.T_QUANTITY] = abs(state[S_QUANTITY])
    row[layout.T_ENTRY_INDEX], row[layout.T_EXIT_INDEX] = state[layout.S_ENTRY_INDEX], bars
    row[layout.T_ENTRY_WORST] = state[layout.S_ENTRY_TROUGH] * side
    return row
