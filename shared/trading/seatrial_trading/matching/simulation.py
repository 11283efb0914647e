"""Runs whole signal arrays through the account step, compiled."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching import layout, records
from seatrial_trading.matching.array_loop import SubBars, advance, bars, orders
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.matching.excursions import intrabar_drawdown, worst_marks
from seatrial_trading.matching.kernel import finish
from seatrial_trading.matching.layout import S_CASH, S_QUANTITY, Rejection
from seatrial_trading.matching.records import RejectedSignal, TradeRecord
from seatrial_trading.matching.sub_bars import inside
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Simulation:
    """What a run left behind.

    Args:
        candles: The bars of the run.
        table: Closed trades, one row each, columns of `layout.T_*`.
        equity: Mark to market, float64[n + 1], the first at the open of bar 0.
        rejections: Per bar, why its decision led to no order, int8[n].
        ambiguous_bars: Bars on which the order of high and low decided; finer bars where those were walked.
        ambiguous_trades: Closed trades that met such a bar.
        final_cash: Cash at the end.
        open_quantity: What is still open, signed.
        magnified_bars: Bars that were walked along the finer bars inside them; those out of reach of every order need
            not be.
        unmagnified_bars: Bars that would have been, but lack finer bars; they went by the worst rule.
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
        """Return the equity at the worst instant of each bar, float64[n + 1]; never above `equity`."""
        bars = self.candles
        return worst_marks(self.held_rows, self.equity, bars.high, bars.low, bars.close)

    @cached_property
    def intrabar_drawdown(self) -> float:
        """Return the greatest fall of `low_equity` below the highest close before it, as a ratio."""
        bars = self.candles
        return float(intrabar_drawdown(self.held_rows, self.equity, bars.high, bars.low, bars.close))

    @property
    def held_rows(self) -> Floats:
        """Return the rows of `table`, and one that leaves behind the last bar for what is still open."""
        return self.table if self.open_row is None else np.vstack((self.table, self.open_row))


def simulate(candles: Candles, signals: Signals, config: ExecutionConfig, finer: Candles | None = None) -> Simulation:
    """Trade the signals on the bars.

    Args:
        candles: n bars.
        signals: n decisions; row i is taken at the close of bar i and fills at the open of bar i + 1.
        config: What orders cost and how bars are settled.
        finer: Bars of a shorter interval; read where `config.intrabar` is `magnify`, and needed there.

    Raises:
        ValueError: There are more or fewer signals than bars.
        ValidationFailed: The finer bars are missing, or are not those of these bars.
    """
    return simulate_inside(candles, signals, config, inside(candles, finer, config))


def simulate_inside(candles: Candles, signals: Signals, config: ExecutionConfig, finer: SubBars) -> Simulation:
    """Trade the signals on the bars, along finer ones that have been matched to them already."""
    if len(signals) != len(candles):
        raise ValueError(f"signals must have one row a bar: {len(signals)} signals, {len(candles)} bars")
    packed, state = config.pack(candles.interval_ms), config.new_state()
    n = len(candles)
    trades = np.empty((int(np.count_nonzero(signals.entry)) + 1, layout.T_SIZE))
    equity = np.empty(n + 1)
    equity[0] = config.cash
    rejections = np.zeros(n, dtype=np.int8)
    advance(bars(candles), finer, orders(signals), state, packed, trades, equity, rejections, 0, n, False)
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


def _open_row(state: Floats, bars_run: int) -> Floats | None:
    if state[S_QUANTITY] == 0.0:
        return None
    row = np.zeros(layout.T_SIZE)
    row[layout.T_SIDE] = side = np.sign(state[S_QUANTITY])
    row[layout.T_QUANTITY] = abs(state[S_QUANTITY])
    row[layout.T_ENTRY_INDEX], row[layout.T_EXIT_INDEX] = state[layout.S_ENTRY_INDEX], bars_run
    row[layout.T_ENTRY_WORST] = state[layout.S_ENTRY_TROUGH] * side
    return row
