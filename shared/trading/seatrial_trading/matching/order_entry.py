"""Queues the decision of a close as the order of the next open."""

import math

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching.layout import (
    C_ALLOW_SHORT,
    LIMIT,
    MARKET,
    S_CLOSE,
    S_INDEX,
    S_NEXT_BASE,
    S_NEXT_EXIT,
    S_NEXT_FRESH,
    S_NEXT_INDEX,
    S_NEXT_KIND,
    S_NEXT_LEFT,
    S_NEXT_LIMIT,
    S_NEXT_SIDE,
    S_NEXT_SIZE,
    S_NEXT_SIZE_KIND,
    S_NEXT_STOP,
    S_NEXT_TARGET,
    S_NEXT_TRAIL,
    S_NEXT_TRIGGER,
    S_NEXT_TRIGGERED,
    S_QUANTITY,
    STOP,
    STOP_LIMIT,
)
from seatrial_trading.matching.prices import on_tick
from seatrial_trading.quant.jit import compiled

Floats = NDArray[np.float64]


@compiled
def decide(
    state: Floats,
    config: Floats,
    entry: float,
    leave: bool,
    stop: float,
    target: float,
    trail: float,
    base: float,
) -> int:
    """Queue a market entry or an exit at the last close for the next open; as `place`."""
    return place(state, config, entry, leave, stop, target, trail, base, MARKET, math.nan, math.nan, 0.0, 0.0, math.nan)


@compiled
def place(
    state: Floats,
    config: Floats,
    entry: float,
    leave: bool,
    stop: float,
    target: float,
    trail: float,
    base: float,
    kind: int,
    limit: float,
    trigger: float,
    bars: float,
    size_kind: float,
    size: float,
) -> int:
    """Queue the decision of the last close; return why nothing came of it (a Rejection).

    Args:
        state: Account and orders, changed in place.
        config: The execution rules.
        entry: +1 long, -1 short, 0 nothing. A new entry takes the place of one that waits.
        leave: Close what is open, cancel what waits.
        stop, target, trail: By `base` ratios of the fill price (0), absolute prices (1), or prices and
            a trail that is a ratio (2); NaN for none.
        base: See above.
        kind: How the entry is placed, an OrderKind.
        limit, trigger: Prices of the order, NaN where its kind has none.
        bars: How many bars the order waits, 0 for as long as it takes.
        size_kind, size: A SizeKind and its number; NaN: as the run sizes.
    """
    held = state[S_QUANTITY]
    if leave:
        state[S_NEXT_SIDE] = 0.0
        state[S_NEXT_EXIT] = 1.0 if held != 0.0 else 0.0
    if entry == 0.0:
        return 0
    if held != 0.0 and not leave:
        return 1
    if entry < 0.0 and config[C_ALLOW_SHORT] == 0.0:
        return 2
    has_limit, has_trigger = kind in (LIMIT, STOP_LIMIT), kind in (STOP, STOP_LIMIT)
    if (has_limit and not limit > 0.0) or (has_trigger and not trigger > 0.0):
        return 8
    reference = state[S_CLOSE] if kind == MARKET else trigger if kind == STOP else limit
    if base != 0.0 and ((stop - reference) * entry >= 0.0 or (target - reference) * entry <= 0.0):
        return 6
    state[S_NEXT_SIDE] = entry
    state[S_NEXT_STOP] = stop
    state[S_NEXT_TARGET] = target
    state[S_NEXT_TRAIL] = trail
    state[S_NEXT_BASE] = base
    state[S_NEXT_SIZE_KIND], state[S_NEXT_SIZE] = size_kind, size
    state[S_NEXT_KIND] = kind
    state[S_NEXT_LIMIT] = on_tick(config, limit, entry) if has_limit else math.nan
    state[S_NEXT_TRIGGER] = on_tick(config, trigger, entry) if has_trigger else math.nan
    state[S_NEXT_LEFT] = bars if bars > 0.0 else math.inf
    state[S_NEXT_FRESH] = 1.0
    state[S_NEXT_TRIGGERED] = 0.0
    state[S_NEXT_INDEX] = state[S_INDEX] - 1.0
    return 0
