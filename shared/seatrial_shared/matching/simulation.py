"""Runs whole signal arrays through the account step, compiled."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seatrial_shared.matching import layout, records
from seatrial_shared.matching.config import ExecutionConfig
from seatrial_shared.matching.kernel import finish
from seatrial_shared.matching.layout import S_CASH, S_QUANTITY, Rejection
from seatrial_shared.matching.loop import advance, bars, orders
from seatrial_shared.matching.records import Rejected, TradeRecord
from seatrial_shared.quant.candles import Candles
from seatrial_shared.strategy.signals import Signals

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Simulation:
    """What a run left behind.

    Args:
        candles: The bars of the run.
        table: Closed trades, one row each, columns of `layout.T_*`.
        equity: Mark to market, float64[n + 1], the first at the open of bar 0.
        rejections: Per bar, why its decision led to no order, int8[n].
        ambiguous_bars: Bars on which the order of high and low decided.
        ambiguous_trades: Closed trades that met such a bar.
        final_cash: Cash at the end.
        open_quantity: What is still open, signed.
    """

    candles: Candles
    table: Floats
    equity: Floats
    rejections: NDArray[np.int8] = field(repr=False)
    ambiguous_bars: int
    ambiguous_trades: int
    final_cash: float
    open_quantity: float

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
    def rejected(self) -> list[Rejected]:
        """Return the decisions that led to no order."""
        return [
            Rejected(int(i), int(self.candles.time_ms[i]), records.REJECTION_TEXTS[Rejection(int(self.rejections[i]))])
            for i in np.flatnonzero(self.rejections)
        ]


def simulate(candles: Candles, signals: Signals, config: ExecutionConfig) -> Simulation:
    """Trade the signals on the bars.

    Args:
        candles: n bars.
        signals: n decisions; row i is taken at the close of bar i and fills at the open of bar i + 1.
        config: What orders cost and how bars are settled.

    Raises:
        ValueError: There are more or fewer signals than bars.
    """
    if len(signals) != len(candles):
        raise ValueError(f"signals must have one row a bar: {len(signals)} signals, {len(candles)} bars")
    packed, state = config.pack(candles.interval_ms), config.new_state()
    n = len(candles)
    trades = np.empty((int(np.count_nonzero(signals.entry)) + 1, layout.T_SIZE))
    equity = np.empty(n + 1)
    equity[0] = config.cash
    rejections = np.zeros(n, dtype=np.int8)
    advance(bars(candles), orders(signals), state, packed, trades, equity, rejections, 0, n, False)
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
    )
