"""Turns the target position at each close into entries and exits."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.quant.column import Floats
from seatrial_trading.quant.jit import compiled
from seatrial_trading.strategy.signals import Signals

Mode = Literal["long_flat", "long_short"]
TargetPositions = NDArray[np.int8]


def signals_for(target: TargetPositions) -> Signals:
    """Return an exit and an entry wherever the target position changes.

    Args:
        target: Position after each close, +1 long, -1 short, 0 flat, int8[n].
    """
    before = np.zeros_like(target)
    before[1:] = target[:-1]
    changed = target != before
    entry = np.where(changed, target, 0).astype(np.int8)
    return Signals(
        entry=entry, exit=changed & (before != 0), stop_loss=None, take_profit=None, trailing=None, stop_base="fill"
    )


def target_after_crosses(first: Floats, second: Floats, mode: Mode) -> TargetPositions:
    """Return long after `first` crossed above `second`, short or flat after it crossed below, flat before any cross.

    Touching is not crossing: equal values keep the side they came from.

    Args:
        first: float64[n].
        second: float64[n].
        mode: `long_short` for short after a cross below, else flat.
    """
    return _target_after_crosses(first, second, -1 if mode == "long_short" else 0)


@compiled
def _target_after_crosses(first: Floats, second: Floats, below: int) -> TargetPositions:
    size = first.shape[0]
    target = np.zeros(size, dtype=np.int8)
    side = 0
    position = 0
    for i in range(size):
        gap = first[i] - second[i]
        if gap > 0.0:
            if side < 0:
                position = 1
            side = 1
        elif gap < 0.0:
            if side > 0:
                position = below
            side = -1
        target[i] = position
    return target
