"""Walks one price path against orders: the rules of entry, stop, target and trailing stop, once.

A path is a poly-line of four points: open, the two extremes in one order or the other, close. Everything is written for
buying; selling short is walked with all prices negated.
"""

import math

from seatrial_trading.matching.layout import LIMIT, MARKET, NONE, STOP, STOP_LOSS, TAKE_PROFIT, TRAILING
from seatrial_trading.quant.jit import compiled

# Reason, price, peak, began beyond, takes liquidity, lowest: what `walk` returns.
Way = tuple[int, float, float, bool, bool, float]


@compiled
def walk(
    first: float,
    second: float,
    third: float,
    last: float,
    stop: float,
    target: float,
    trail: float,
    peak: float,
    auction: bool,
    through: float,
    fresh: bool,
) -> Way:
    """Follow a path with an open long position.

    Args:
        first, second, third, last: The path.
        stop, target: Prices, NaN for none.
        trail: Distance of the trailing stop below the peak, NaN for none.
        peak: Highest price since the entry.
        auction: A favourable gap fills at the open instead of the limit.
        through: How far beyond a limit the price must go to fill it, 0 for a touch.
        fresh: The orders came into being at `first`: a target that lies behind it was never resting.

    Returns:
        Why the position is left (NONE: it is not), at which price, the new peak, whether the path began beyond,
        whether the exit takes liquidity, and the lowest price on the way.
    """
    level, reason = _protection(stop, trail, peak)
    if first <= level:
        return reason, first, peak, True, True, first
    if fresh and first >= target:
        return TAKE_PROFIT, first, max(peak, first), True, True, first
    if first >= target + through:
        price = first if auction else target
        return TAKE_PROFIT, price, max(peak, price), True, False, price
    peak = max(peak, first)
    here = lowest = first
    for step in range(3):
        there = second if step == 0 else third if step == 1 else last
        if there >= here:
            if there >= target + through:
                return TAKE_PROFIT, target, max(peak, target), False, False, lowest
            peak = max(peak, there)
        else:
            level, reason = _protection(stop, trail, peak)
            if there <= level:
                return reason, level, peak, False, True, min(lowest, level)
            lowest = min(lowest, there)
        here = there
    return NONE, math.nan, peak, False, False, lowest


@compiled
def approach(
    first: float,
    second: float,
    third: float,
    last: float,
    kind: int,
    limit: float,
    trigger: float,
    triggered: bool,
    auction: bool,
    through: float,
    fresh: bool,
) -> tuple[int, float, float, bool, bool]:
    """Follow a path with a waiting order to buy.

    Args:
        first, second, third, last: The path.
        kind: One of OrderKind.
        limit, trigger: Prices of the order, NaN where its kind has none.
        triggered: A stop-limit order whose stop was reached on an earlier bar.
        auction, through: As in `walk`.
        fresh: The order came into being at `first`: a limit behind it is marketable and takes liquidity.

    Returns:
        The leg of the fill (-1: none), where the path stands then, the price before slippage, whether the fill makes
        liquidity, and whether the stop has been reached.
    """
    if kind == MARKET:
        return 0, first, first, False, False
    if kind == LIMIT or triggered:
        if fresh and first <= limit:
            return 0, first, first, False, triggered
        if first <= limit - through:
            return 0, first, first if auction else limit, True, triggered
    elif first >= trigger:
        triggered = True
        if kind == STOP or first <= limit:
            return 0, first, first, False, True
    for leg in range(3):
        there = second if leg == 0 else third if leg == 1 else last
        if kind == LIMIT or triggered:
            if there <= limit - through:
                return leg, limit - through, limit, True, triggered
        elif there >= trigger:
            triggered = True
            if kind == STOP or trigger <= limit:
                return leg, trigger, trigger, False, True
    return -1, math.nan, math.nan, False, triggered


@compiled
def _protection(stop: float, trail: float, peak: float) -> tuple[float, int]:
    """Return the tighter of fixed and trailing stop; comparisons with NaN are false, so none never triggers."""
    moving = peak - trail
    if moving > stop or (math.isnan(stop) and not math.isnan(moving)):
        return moving, TRAILING
    return stop, STOP_LOSS
