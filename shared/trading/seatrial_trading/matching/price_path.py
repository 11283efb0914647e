"""Follows one price path of a bar through the orders: when entry, stop, target and trailing stop fill.

A path is a poly-line of four points: open, the two extremes in one order or the other, close. Everything is written for
a long position; short positions use the same code with all prices negated.
"""

import math
from typing import NamedTuple

from seatrial_trading.matching.layout import (
    EXIT_NONE,
    EXIT_STOP_LOSS,
    EXIT_TAKE_PROFIT,
    EXIT_TRAILING,
    ORDER_LIMIT,
    ORDER_MARKET,
    ORDER_STOP,
)
from seatrial_trading.quant.jit import compiled

NO_FILL = -1


class PathOutcome(NamedTuple):
    """How an open position ends on one price path.

    Args:
        reason: Why the position is closed, an Exit; EXIT_NONE keeps it open.
        price: Exit price before slippage, NaN while open.
        peak: Highest price since the entry.
        is_gap: Whether the path starts beyond the order.
        takes_liquidity: Whether the exit pays the taker fee and slippage.
        lowest: Lowest price on the path up to the exit.
    """

    reason: int
    price: float
    peak: float
    is_gap: bool
    takes_liquidity: bool
    lowest: float


class EntryFill(NamedTuple):
    """Where a pending order to buy fills on one price path.

    Args:
        leg: The leg of the fill, 0 to 2, or NO_FILL.
        path_price: The price on the path at the fill.
        price: Fill price before slippage.
        is_maker: Whether the order was resting.
        is_triggered: Whether the stop price has been reached.
    """

    leg: int
    path_price: float
    price: float
    is_maker: bool
    is_triggered: bool


@compiled
def exit_on_path(
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
) -> PathOutcome:
    """Return how an open long position ends on a path.

    Args:
        first: Price at which the path starts.
        second: Price at its first turn.
        third: Price at its second turn.
        last: Price at which it ends.
        stop: Price of the stop loss, NaN for none.
        target: Price of the take profit, NaN for none.
        trail: Distance of the trailing stop below the peak, NaN for none.
        peak: Highest price since the entry.
        auction: A favourable gap fills at the open instead of the limit.
        through: How far beyond a limit the price must go to fill it, 0 for a touch.
        fresh: The orders are created at `first`: a target below it is marketable and takes liquidity.
    """
    level, reason = _tighter_stop(stop, trail, peak)
    if first <= level:
        return PathOutcome(reason, first, peak, True, True, first)
    if fresh and first >= target:
        return PathOutcome(EXIT_TAKE_PROFIT, first, max(peak, first), True, True, first)
    if first >= target + through:
        price = first if auction else target
        return PathOutcome(EXIT_TAKE_PROFIT, price, max(peak, price), True, False, price)
    peak = max(peak, first)
    here = lowest = first
    for leg in range(3):
        there = second if leg == 0 else third if leg == 1 else last
        if there >= here:
            if there >= target + through:
                return PathOutcome(EXIT_TAKE_PROFIT, target, max(peak, target), False, False, lowest)
            peak = max(peak, there)
        else:
            level, reason = _tighter_stop(stop, trail, peak)
            if there <= level:
                return PathOutcome(reason, level, peak, False, True, min(lowest, level))
            lowest = min(lowest, there)
        here = there
    return PathOutcome(EXIT_NONE, math.nan, peak, False, False, lowest)


@compiled
def entry_on_path(
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
) -> EntryFill:
    """Return where a pending order to buy fills on a path.

    Args:
        first: Price at which the path starts.
        second: Price at its first turn.
        third: Price at its second turn.
        last: Price at which it ends.
        kind: An OrderKind.
        limit: Limit price, NaN where the kind has none.
        trigger: Stop price, NaN where the kind has none.
        triggered: A stop-limit order whose stop was reached on an earlier bar.
        auction: A favourable gap fills at the open instead of the limit.
        through: How far beyond a limit the price must go to fill it, 0 for a touch.
        fresh: The order is created at `first`: a limit above it is marketable and takes liquidity.
    """
    if kind == ORDER_MARKET:
        return EntryFill(0, first, first, False, False)
    if kind == ORDER_LIMIT or triggered:
        if fresh and first <= limit:
            return EntryFill(0, first, first, False, triggered)
        if first <= limit - through:
            return EntryFill(0, first, first if auction else limit, True, triggered)
    elif first >= trigger:
        triggered = True
        if kind == ORDER_STOP or first <= limit:
            return EntryFill(0, first, first, False, True)
    for leg in range(3):
        there = second if leg == 0 else third if leg == 1 else last
        if kind == ORDER_LIMIT or triggered:
            if there <= limit - through:
                return EntryFill(leg, limit - through, limit, True, triggered)
        elif there >= trigger:
            triggered = True
            if kind == ORDER_STOP or trigger <= limit:
                return EntryFill(leg, trigger, trigger, False, True)
    return EntryFill(NO_FILL, math.nan, math.nan, False, triggered)


@compiled
def _tighter_stop(stop: float, trail: float, peak: float) -> tuple[float, int]:
    trailing = peak - trail  # comparisons with NaN are false, so that a missing stop never triggers
    if trailing > stop or (math.isnan(stop) and not math.isnan(trailing)):
        return trailing, EXIT_TRAILING
    return stop, EXIT_STOP_LOSS
