"""Turns the decision at a bar's close into the order of the next open."""

import math

from seatrial_trading.matching.layout import (
    BASE_FILL_RATIO,
    C_ALLOW_SHORT,
    ORDER_LIMIT,
    ORDER_MARKET,
    ORDER_STOP,
    ORDER_STOP_LIMIT,
    REJECT_BAD_ORDER,
    REJECT_BAD_STOP,
    REJECT_NONE,
    REJECT_POSITION_OPEN,
    REJECT_SHORT_NOT_ALLOWED,
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
)
from seatrial_trading.matching.prices import round_to_tick
from seatrial_trading.quant.column import Floats
from seatrial_trading.quant.jit import compiled


@compiled
def place_order(
    state: Floats,
    config: Floats,
    entry: float,
    exit_open: bool,
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
    """Queue the decision at the last close; return a Rejection, REJECT_NONE when it is accepted.

    Args:
        state: Account and orders, float64[S_SIZE], changed in place.
        config: The packed execution rules, float64[C_SIZE].
        entry: +1 long, -1 short, 0 nothing. A new entry replaces a pending one.
        exit_open: Close the open position and cancel the pending entry.
        stop: Stop loss in the unit of `base`, NaN for none.
        target: Take profit in the unit of `base`, NaN for none.
        trail: Trailing stop in the unit of `base`, NaN for none.
        base: A PriceBase.
        kind: When the entry fills, an OrderKind.
        limit: Limit price, NaN where the kind has none.
        trigger: Stop price, NaN where the kind has none.
        bars: Number of bars the order is pending at most, 0 for no limit.
        size_kind: A SizeKind.
        size: The size in the unit of `size_kind`; NaN uses the sizing of the run.
    """
    quantity = state[S_QUANTITY]
    if exit_open:
        state[S_NEXT_SIDE] = 0.0
        state[S_NEXT_EXIT] = 1.0 if quantity != 0.0 else 0.0
    if entry == 0.0:
        return REJECT_NONE
    if quantity != 0.0 and not exit_open:
        return REJECT_POSITION_OPEN
    if entry < 0.0 and config[C_ALLOW_SHORT] == 0.0:
        return REJECT_SHORT_NOT_ALLOWED
    has_limit = kind in (ORDER_LIMIT, ORDER_STOP_LIMIT)
    has_trigger = kind in (ORDER_STOP, ORDER_STOP_LIMIT)
    if (has_limit and not limit > 0.0) or (has_trigger and not trigger > 0.0):
        return REJECT_BAD_ORDER
    reference = state[S_CLOSE] if kind == ORDER_MARKET else trigger if kind == ORDER_STOP else limit
    if base != BASE_FILL_RATIO and ((stop - reference) * entry >= 0.0 or (target - reference) * entry <= 0.0):
        return REJECT_BAD_STOP
    state[S_NEXT_SIDE] = entry
    state[S_NEXT_STOP] = stop
    state[S_NEXT_TARGET] = target
    state[S_NEXT_TRAIL] = trail
    state[S_NEXT_BASE] = base
    state[S_NEXT_SIZE_KIND], state[S_NEXT_SIZE] = size_kind, size
    state[S_NEXT_KIND] = kind
    state[S_NEXT_LIMIT] = round_to_tick(config, limit, entry) if has_limit else math.nan
    state[S_NEXT_TRIGGER] = round_to_tick(config, trigger, entry) if has_trigger else math.nan
    state[S_NEXT_LEFT] = bars if bars > 0.0 else math.inf
    state[S_NEXT_FRESH] = 1.0
    state[S_NEXT_TRIGGERED] = 0.0
    state[S_NEXT_INDEX] = state[S_INDEX] - 1.0
    return REJECT_NONE
