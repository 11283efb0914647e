"""Depth and duration of the drawdowns of an equity curve."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial_core.errors import field_error
from seatrial_core.figures.figure import Figure, known, undefined
from seatrial_trading.quant.column import Floats, column
from seatrial_trading.quant.jit import compiled

Times = NDArray[np.int64]


@dataclass(frozen=True)
class Drawdown:
    """The deepest drawdown of a curve, with indices into it; `recovered` is -1 while the peak is not reached again.

    Times are in milliseconds; underwater is from a peak to the value that reaches it again, or to the end.
    """

    depth_ratio: float
    peak: int
    trough: int
    recovered: int
    underwater_ms: int
    longest_underwater_ms: int


def max_drawdown(equity: Floats | Sequence[float]) -> Figure:
    """Return the maximum drawdown, max(1 - value / highest value before), from 0 to 1; the first value is a peak.

    Args:
        equity: float64[n]; undefined when empty or when it does not begin above zero.
    """
    curve = column(equity)
    if not len(curve):
        return undefined("no equity")
    if not curve[0] > 0.0:
        return undefined("the equity does not begin above zero")
    return known(float(_depth(curve)))


def deepest(equity: Floats, times_ms: Times) -> Drawdown:
    """Return the deepest drawdown of a curve.

    Args:
        equity: float64[n], n >= 1, begins above zero.
        times_ms: Time of each value, UTC epoch milliseconds, int64[n].

    Raises:
        ValidationFailed: The lengths differ or are 0.
    """
    if len(equity) != len(times_ms) or not len(equity):
        raise field_error("times_ms", f"{len(times_ms)} instants", f"one for each of the {len(equity)} equity values")
    depth, *rest = _walk(column(equity), times_ms)
    return Drawdown(float(depth), *map(int, rest))


def underwater(equity: Floats | Sequence[float]) -> Floats:
    """Return the drawdown ratio at every value, float64[n], 0 at a peak.

    Args:
        equity: float64[n], begins above zero.
    """
    curve = column(equity)
    below: Floats = 1.0 - curve / np.maximum.accumulate(curve)
    return below


@compiled
def _depth(equity: Floats) -> float:
    depth = 0.0
    top = floor = equity[0]  # values below the floor are deeper than `depth`, so that only those are divided
    for value in equity:
        if value > top:
            top = value
            floor = top * (1.0 - depth)
        elif value < floor:
            depth = max(depth, 1.0 - value / top)
            floor = value
    return float(depth)


@compiled
def _walk(equity: Floats, times_ms: Times) -> tuple[float, int, int, int, int, int]:
    size = equity.shape[0]
    top = equity[0]
    top_at = 0
    depth = 0.0
    floor = top  # values below it are deeper than `depth`, so that only those are divided
    peak, trough, recovered = 0, 0, -1
    total = 0
    longest = 0
    for i in range(1, size):
        value = equity[i]
        if value >= top:
            if i - top_at > 1:
                span = times_ms[i] - times_ms[top_at]
                total += span
                longest = max(longest, span)
                if peak == top_at and recovered < 0 and depth > 0.0:
                    recovered = i
            top = value
            top_at = i
            floor = top * (1.0 - depth)
        elif value < floor:
            fall = 1.0 - value / top
            if fall > depth:
                depth, peak, trough, recovered = fall, top_at, i, -1
            floor = value
    if top_at < size - 1:
        span = times_ms[size - 1] - times_ms[top_at]
        total += span
        longest = max(longest, span)
    return depth, peak, trough, recovered, total, longest
