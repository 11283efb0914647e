"""The account step: what happens to cash, position and orders on one bar. Everything that trades bars calls this."""

import math

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching.intrabar import keeps_other, parts, takes_other, value_at_close, worth_at_close
from seatrial_trading.matching.layout import (
    C_AUCTION,
    C_SIZE_KIND,
    C_THROUGH,
    END_OF_DATA,
    NONE,
    S_AMBIGUOUS,
    S_AMBIGUOUS_BARS,
    S_BAR_TROUGH,
    S_CLOSE,
    S_ENTRY_INDEX,
    S_ENTRY_TROUGH,
    S_INDEX,
    S_MAGNIFIED,
    S_NEXT_EXIT,
    S_NEXT_FRESH,
    S_NEXT_KIND,
    S_NEXT_LEFT,
    S_NEXT_LIMIT,
    S_NEXT_SIDE,
    S_NEXT_TRIGGER,
    S_NEXT_TRIGGERED,
    S_PEAK,
    S_QUANTITY,
    S_STOP,
    S_TARGET,
    S_TRAIL,
    S_UNMAGNIFIED,
    SIGNAL,
)
from seatrial_trading.matching.order_entry import decide, place
from seatrial_trading.matching.positions import children, close_position, note, observe, open_position, refuse
from seatrial_trading.matching.price_path import Way, approach, walk
from seatrial_trading.matching.prices import taken
from seatrial_trading.quant.jit import compiled

__all__ = ["decide", "finish", "magnify", "place", "step"]

Floats = NDArray[np.float64]


@compiled
def step(state: Floats, config: Floats, trades: Floats, o: float, h: float, low: float, c: float) -> None:
    """Run one bar: what was decided at the last close fills at the open, then the orders are walked, then the mark.

    Args:
        state: Account and orders, changed in place.
        config: The execution rules.
        trades: Rows for closed trades; the next free one is filled when a position closes.
        o, h, low, c: The bar.
    """
    state[S_BAR_TROUGH] = math.inf
    _run(state, config, trades, o, h, low, c)
    _end(state, config, c)


@compiled
def magnify(
    state: Floats,
    config: Floats,
    trades: Floats,
    opens: Floats,
    highs: Floats,
    lows: Floats,
    closes: Floats,
    o: float,
    h: float,
    low: float,
    c: float,
) -> None:
    """Run one bar along the finer bars inside it, in order; as `step` where there are none.

    Args:
        state, config, trades: As in `step`.
        opens, highs, lows, closes: The finer bars, which together make the bar.
        o, h, low, c: The bar.
    """
    if opens.shape[0] == 0 or (state[S_QUANTITY] == 0.0 and state[S_NEXT_SIDE] == 0.0):
        if state[S_QUANTITY] != 0.0 or state[S_NEXT_SIDE] != 0.0:
            state[S_UNMAGNIFIED] += 1.0
        step(state, config, trades, o, h, low, c)
        return
    state[S_MAGNIFIED] += 1.0
    state[S_BAR_TROUGH] = math.inf
    for i in range(opens.shape[0]):
        _run(state, config, trades, opens[i], highs[i], lows[i], closes[i])
        if state[S_QUANTITY] == 0.0 and state[S_NEXT_SIDE] == 0.0:
            break
    _end(state, config, c)


@compiled
def finish(state: Floats, config: Floats, trades: Floats) -> None:
    """Close what is open at the last close, as a market order; what waits is cancelled."""
    if state[S_QUANTITY] != 0.0:
        state[S_INDEX] -= 1.0
        close_position(state, config, trades, state[S_CLOSE], END_OF_DATA, False, True)
        state[S_INDEX] += 1.0
    state[S_NEXT_EXIT] = 0.0
    state[S_NEXT_SIDE] = 0.0


@compiled
def _run(state: Floats, config: Floats, trades: Floats, o: float, h: float, low: float, c: float) -> None:
    if state[S_NEXT_EXIT] != 0.0 and state[S_QUANTITY] != 0.0:
        _leave_at_open(state, config, trades, o)
    state[S_NEXT_EXIT] = 0.0
    if state[S_NEXT_SIDE] != 0.0:
        _work_order(state, config, trades, o, h, low, c)
    elif state[S_QUANTITY] != 0.0:
        _hold(state, config, trades, o, h, low, c)


@compiled
def _end(state: Floats, config: Floats, c: float) -> None:
    """Do what is done once a bar, however many finer ones it was run along."""
    if state[S_NEXT_SIDE] != 0.0:
        state[S_NEXT_LEFT] -= 1.0
        if state[S_NEXT_LEFT] <= 0.0:
            state[S_NEXT_SIDE] = 0.0
            refuse(state, 9.0)
    if state[S_QUANTITY] != 0.0 and state[S_ENTRY_INDEX] == state[S_INDEX]:
        state[S_ENTRY_TROUGH] = state[S_BAR_TROUGH]
    if config[C_SIZE_KIND] == 5.0:
        observe(state, config, c)
    state[S_CLOSE] = c
    state[S_INDEX] += 1.0


@compiled
def _leave_at_open(state: Floats, config: Floats, trades: Floats, o: float) -> None:
    side = 1.0 if state[S_QUANTITY] > 0.0 else -1.0
    a = o * side
    # Resting orders are looked at before market orders: a gap through the stop keeps its own reason.
    way = _walk_exits(state, config, side, a, a, a, a)
    note(state, side, way)
    if way[0] == NONE:
        close_position(state, config, trades, o, SIGNAL, False, True)
    else:
        close_position(state, config, trades, way[1] * side, way[0], way[3], way[4])


@compiled
def _walk_exits(
    state: Floats, config: Floats, side: float, first: float, second: float, third: float, last: float
) -> Way:
    return walk(
        first,
        second,
        third,
        last,
        state[S_STOP] * side,
        state[S_TARGET] * side,
        state[S_TRAIL],
        state[S_PEAK] * side,
        config[C_AUCTION] != 0.0,
        config[C_THROUGH],
        False,
    )


@compiled
def _hold(state: Floats, config: Floats, trades: Floats, o: float, h: float, low: float, c: float) -> None:
    """Walk the exits of an open position along both paths of the bar."""
    side = 1.0 if state[S_QUANTITY] > 0.0 else -1.0
    a, top, bottom, z = o * side, max(h * side, low * side), min(h * side, low * side), c * side
    first = _walk_exits(state, config, side, a, top, bottom, z)
    other = _walk_exits(state, config, side, a, bottom, top, z)
    chosen = first
    if parts(first, other):
        state[S_AMBIGUOUS_BARS] += 1.0
        state[S_AMBIGUOUS] = 1.0
        quantity, target = abs(state[S_QUANTITY]), state[S_TARGET]
        value = value_at_close(config, side, quantity, target, first, c)
        rival = value_at_close(config, side, quantity, target, other, c)
        if takes_other(state, config, side, value, rival, other[0], o, h, low):
            chosen = other
    elif keeps_other(config, side, first, other, o, h, low):
        chosen = other
    note(state, side, chosen)
    if chosen[0] != NONE:
        close_position(state, config, trades, chosen[1] * side, chosen[0], chosen[3], chosen[4])


@compiled
def _work_order(state: Floats, config: Floats, trades: Floats, o: float, h: float, low: float, c: float) -> None:
    """Walk a waiting entry, and what follows it on the rest of the bar, along both paths of the bar."""
    side = state[S_NEXT_SIDE]
    a, top, bottom, z = o * side, max(h * side, low * side), min(h * side, low * side), c * side
    first = _route(state, config, side, a, top, bottom, z)
    other = _route(state, config, side, a, bottom, top, z)
    chosen = first
    is_ambiguous = False
    if first[0] != other[0] or (first[0] and (first[1] != other[1] or parts(first[4], other[4]))):
        is_ambiguous = True
        value, rival = worth_at_close(state, config, side, first, c), worth_at_close(state, config, side, other, c)
        if takes_other(state, config, side, value, rival, other[4][0], o, h, low):
            chosen = other
    elif keeps_other(config, side, first[4], other[4], o, h, low):
        chosen = other
    state[S_NEXT_FRESH] = 0.0
    state[S_NEXT_TRIGGERED] = 1.0 if chosen[3] else 0.0
    if chosen[0]:
        state[S_NEXT_SIDE] = 0.0
        if not open_position(state, config, side, chosen[1], chosen[2], chosen[5]):
            return
        note(state, side, chosen[4])
    if is_ambiguous:
        state[S_AMBIGUOUS_BARS] += 1.0
        state[S_AMBIGUOUS] = 1.0
    if chosen[0] and chosen[4][0] != NONE:
        way = chosen[4]
        close_position(state, config, trades, way[1] * side, way[0], way[3], way[4])


@compiled
def _route(
    state: Floats, config: Floats, side: float, first: float, second: float, third: float, last: float
) -> tuple[bool, float, bool, bool, Way, float]:
    """Follow one path with the waiting entry: filled?, at what price, as maker?, stop reached?, exit, market price."""
    auction, through = config[C_AUCTION] != 0.0, config[C_THROUGH]
    leg, here, price, is_maker, triggered = approach(
        first,
        second,
        third,
        last,
        int(state[S_NEXT_KIND]),
        state[S_NEXT_LIMIT] * side,
        state[S_NEXT_TRIGGER] * side,
        state[S_NEXT_TRIGGERED] != 0.0,
        auction,
        through,
        state[S_NEXT_FRESH] != 0.0,
    )
    if leg < 0:
        return False, math.nan, False, triggered, (NONE, math.nan, math.nan, False, False, math.nan), math.nan
    market = price * side
    fill = market if is_maker else taken(config, market, side, state[S_NEXT_LIMIT])
    stop, target, trail = children(state, config, side, fill)
    if leg > 0:
        second = here
    if leg > 1:
        third = here
    way = walk(here, second, third, last, stop * side, target * side, trail, fill * side, auction, through, True)
    return True, fill, is_maker, triggered, way, market
