"""Walks one price path against the exits of a position: the rules of stop, target and trailing stop, once."""

import math

from seatrial_shared.matching.layout import NONE, STOP_LOSS, TAKE_PROFIT, TRAILING
from seatrial_shared.quant.jit import compiled


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
) -> tuple[int, float, float, bool]:
    """Follow open, two extremes and close of a long position; a short one is walked with all prices negated.

    Args:
        first, second, third, last: The path, a poly-line that is monotone between its points.
        stop, target: Prices, NaN for none.
        trail: Distance of the trailing stop below the peak, NaN for none.
        peak: Highest price since the entry.
        auction: A favourable gap fills at the open instead of the limit.
        through: How far beyond a limit the price must go to fill it, 0 for a touch.

    Returns:
        Why the position is left (NONE: it is not), at which price, the new peak, and whether the bar opened beyond.
    """
    level, reason = _protection(stop, trail, peak)
    if first <= level:
        return reason, first, peak, True
    if first >= target + through:
        return TAKE_PROFIT, first if auction else target, peak, True
    peak = max(peak, first)
    here = first
    for step in range(3):
        there = second if step == 0 else third if step == 1 else last
        if there >= here:
            if there >= target + through:
                return TAKE_PROFIT, target, peak, False
            peak = max(peak, there)
        else:
            level, reason = _protection(stop, trail, peak)
            if there <= level:
                return reason, level, peak, False
        here = there
    return NONE, math.nan, peak, False


@compiled
def _protection(stop: float, trail: float, peak: float) -> tuple[float, int]:
    """Return the tighter of fixed and trailing stop; comparisons with NaN are false, so none never triggers."""
    moving = peak - trail
    if moving > stop or (math.isnan(stop) and not math.isnan(moving)):
        return moving, TRAILING
    return stop, STOP_LOSS
