"""Runs whole signal arrays through the account step, compiled."""

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seatrial_shared.matching import layout, records
from seatrial_shared.matching.config import ExecutionConfig
from seatrial_shared.matching.kernel import decide, finish, step
from seatrial_shared.matching.layout import (
    S_CASH,
    S_CLOSE,
    S_INDEX,
    S_NEXT_EXIT,
    S_NEXT_SIDE,
    S_QUANTITY,
    S_REASON,
    S_REJECTED,
    S_STOP,
    S_TARGET,
    S_TRAIL,
    Rejection,
)
from seatrial_shared.matching.records import Rejected, TradeRecord
from seatrial_shared.quant.candles import Candles
from seatrial_shared.quant.jit import compiled
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
    none = np.full(1, np.nan)
    packed, state = config.pack(), config.new_state()
    entries = int(np.count_nonzero(signals.entry))
    trades = np.empty((entries + 1, layout.T_SIZE))
    equity = np.empty(len(candles) + 1)
    rejections = np.zeros(len(candles), dtype=np.int8)
    _run(
        candles.open,
        candles.high,
        candles.low,
        candles.close,
        signals.entry,
        signals.exit,
        none if signals.stop_loss is None else signals.stop_loss,
        none if signals.take_profit is None else signals.take_profit,
        none if signals.trailing is None else signals.trailing,
        1.0 if signals.stop_base == "price" else 0.0,
        state,
        packed,
        trades,
        equity,
        rejections,
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
    )


@compiled
def _run(
    opens: Floats,
    highs: Floats,
    lows: Floats,
    closes: Floats,
    entry: NDArray[np.int8],
    leave: NDArray[np.bool_],
    stop: Floats,
    target: Floats,
    trail: Floats,
    base: float,
    state: Floats,
    config: Floats,
    trades: Floats,
    equity: Floats,
    rejections: NDArray[np.int8],
) -> None:
    n = opens.shape[0]
    several_stops, several_targets, several_trails = stop.shape[0] > 1, target.shape[0] > 1, trail.shape[0] > 1
    equity[0] = state[S_CASH]
    for i in range(n):
        if _is_quiet(state, highs[i], lows[i]):
            state[S_INDEX] += 1.0
            state[S_CLOSE] = closes[i]
        else:
            refused = state[S_REJECTED]
            step(state, config, trades, opens[i], highs[i], lows[i], closes[i])
            if state[S_REJECTED] != refused and i > 0:
                rejections[i - 1] = np.int8(state[S_REASON])
        equity[i + 1] = state[S_CASH] + state[S_QUANTITY] * closes[i]
        if entry[i] != 0 or leave[i]:
            reason = decide(
                state,
                config,
                float(entry[i]),
                leave[i],
                stop[i if several_stops else 0],
                target[i if several_targets else 0],
                trail[i if several_trails else 0],
                base,
            )
            if reason != 0:
                rejections[i] = np.int8(reason)


@compiled
def _is_quiet(state: Floats, high: float, low: float) -> bool:
    """Tell that the step has nothing to do but mark: no order is queued and no exit can be reached on this bar."""
    if state[S_NEXT_SIDE] != 0.0 or state[S_NEXT_EXIT] != 0.0:
        return False
    quantity = state[S_QUANTITY]
    if quantity == 0.0:
        return True
    if not math.isnan(state[S_TRAIL]):
        return False
    if quantity > 0.0:
        return not (low <= state[S_STOP] or high >= state[S_TARGET])
    return not (high >= state[S_STOP] or low <= state[S_TARGET])
