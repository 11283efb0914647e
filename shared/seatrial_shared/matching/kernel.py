"""The account step: what happens to cash, position and orders on one bar. Everything that trades bars calls this."""

import math

import numpy as np
from numpy.typing import NDArray

from seatrial_shared.matching.layout import (
    C_ALLOW_SHORT,
    C_AUCTION,
    C_BARS_A_YEAR,
    C_FIXED_FEE,
    C_INTRABAR,
    C_MAKER,
    C_MIN_NOTIONAL,
    C_SEED,
    C_SIZE_KIND,
    C_TAKER,
    C_THROUGH,
    END_OF_DATA,
    LIMIT,
    MARKET,
    NONE,
    S_AMBIGUOUS,
    S_AMBIGUOUS_BARS,
    S_AMBIGUOUS_TRADES,
    S_BAR_TROUGH,
    S_CASH,
    S_CLOSE,
    S_DRAWS,
    S_ENTRY_FEE,
    S_ENTRY_INDEX,
    S_ENTRY_PRICE,
    S_ENTRY_TROUGH,
    S_FEES,
    S_GAIN_RATIOS,
    S_INDEX,
    S_INITIAL_STOP,
    S_LOSS_RATIOS,
    S_LOSSES,
    S_MAGNIFIED,
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
    S_PEAK,
    S_QUANTITY,
    S_REASON,
    S_REASON_INDEX,
    S_REJECTED,
    S_RETURNS,
    S_SLIPPAGE,
    S_STOP,
    S_TARGET,
    S_TRADES,
    S_TRAIL,
    S_TROUGH,
    S_UNMAGNIFIED,
    S_VARIANCE,
    S_VOLATILITY,
    S_WINS,
    SIGNAL,
    STOP,
    STOP_LIMIT,
    T_AMBIGUOUS,
    T_ENTRY_FEE,
    T_ENTRY_INDEX,
    T_ENTRY_PRICE,
    T_ENTRY_WORST,
    T_EXIT_FEE,
    T_EXIT_INDEX,
    T_EXIT_PRICE,
    T_EXIT_WORST,
    T_GAP,
    T_INITIAL_STOP,
    T_MAE,
    T_MFE,
    T_QUANTITY,
    T_REASON,
    T_SIDE,
    T_SLIPPAGE,
    TAKE_PROFIT,
)
from seatrial_shared.matching.prices import on_tick, taken
from seatrial_shared.matching.sizes import units
from seatrial_shared.matching.walk import approach, walk
from seatrial_shared.quant.jit import compiled

Floats = NDArray[np.float64]
# Reason, price, peak, began beyond, takes liquidity, lowest: what `walk` returns.
Way = tuple[int, float, float, bool, bool, float]
# Weight of the newest return in the volatility, and how many returns it takes to be known.
NEWEST = 0.06
FEWEST_RETURNS = 20.0


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


@compiled
def finish(state: Floats, config: Floats, trades: Floats) -> None:
    """Close what is open at the last close, as a market order; what waits is cancelled."""
    if state[S_QUANTITY] != 0.0:
        state[S_INDEX] -= 1.0
        _close(state, config, trades, state[S_CLOSE], END_OF_DATA, False, True)
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
            _refuse(state, 9.0)
    if state[S_QUANTITY] != 0.0 and state[S_ENTRY_INDEX] == state[S_INDEX]:
        state[S_ENTRY_TROUGH] = state[S_BAR_TROUGH]
    if config[C_SIZE_KIND] == 5.0:
        _observe(state, config, c)
    state[S_CLOSE] = c
    state[S_INDEX] += 1.0


@compiled
def _note(state: Floats, side: float, way: Way) -> None:
    """Keep how far the price went for and against the position on this way."""
    state[S_PEAK] = way[2] * side
    state[S_TROUGH] = min(state[S_TROUGH], way[5])
    state[S_BAR_TROUGH] = min(state[S_BAR_TROUGH], way[5])


@compiled
def _leave_at_open(state: Floats, config: Floats, trades: Floats, o: float) -> None:
    side = 1.0 if state[S_QUANTITY] > 0.0 else -1.0
    a = o * side
    # Resting orders are looked at before market orders: a gap through the stop keeps its own reason.
    way = _walk_exits(state, config, side, a, a, a, a)
    _note(state, side, way)
    if way[0] == NONE:
        _close(state, config, trades, o, SIGNAL, False, True)
    else:
        _close(state, config, trades, way[1] * side, way[0], way[3], way[4])


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
    a, top, bottom, z = o * side, h * side, low * side, c * side
    first = _walk_exits(state, config, side, a, top, bottom, z)
    other = _walk_exits(state, config, side, a, bottom, top, z)
    chosen = first
    if first[0] != other[0] or (first[0] != NONE and first[1] != other[1]):
        state[S_AMBIGUOUS_BARS] += 1.0
        state[S_AMBIGUOUS] = 1.0
        quantity, target = abs(state[S_QUANTITY]), state[S_TARGET]
        value = _value(config, side, quantity, target, first, c)
        rival = _value(config, side, quantity, target, other, c)
        if _takes_other(state, config, side, value, rival, other[0], o, h, low):
            chosen = other
    _note(state, side, chosen)
    if chosen[0] != NONE:
        _close(state, config, trades, chosen[1] * side, chosen[0], chosen[3], chosen[4])


@compiled
def _work_order(state: Floats, config: Floats, trades: Floats, o: float, h: float, low: float, c: float) -> None:
    """Walk a waiting entry, and what follows it on the rest of the bar, along both paths of the bar."""
    side = state[S_NEXT_SIDE]
    a, top, bottom, z = o * side, h * side, low * side, c * side
    first = _route(state, config, side, a, top, bottom, z)
    other = _route(state, config, side, a, bottom, top, z)
    chosen = first
    is_ambiguous = False
    if first[0] != other[0] or (first[0] and (first[1] != other[1] or _parts(first[4], other[4]))):
        is_ambiguous = True
        value, rival = _worth(state, config, side, first, c), _worth(state, config, side, other, c)
        if _takes_other(state, config, side, value, rival, other[4][0], o, h, low):
            chosen = other
    state[S_NEXT_FRESH] = 0.0
    state[S_NEXT_TRIGGERED] = 1.0 if chosen[3] else 0.0
    if chosen[0]:
        state[S_NEXT_SIDE] = 0.0
        if not _open(state, config, side, chosen[1], chosen[2], chosen[5]):
            return
        _note(state, side, chosen[4])
    if is_ambiguous:
        state[S_AMBIGUOUS_BARS] += 1.0
        state[S_AMBIGUOUS] = 1.0
    if chosen[0] and chosen[4][0] != NONE:
        way = chosen[4]
        _close(state, config, trades, way[1] * side, way[0], way[3], way[4])


@compiled
def _parts(way: Way, other: Way) -> bool:
    return way[0] != other[0] or (way[0] != NONE and way[1] != other[1])


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
    stop, target, trail = _children(state, config, side, fill)
    if leg > 0:
        second = here
    if leg > 1:
        third = here
    way = walk(here, second, third, last, stop * side, target * side, trail, fill * side, auction, through, True)
    return True, fill, is_maker, triggered, way, market


@compiled
def _children(state: Floats, config: Floats, side: float, fill: float) -> tuple[float, float, float]:
    stop, target, trail = state[S_NEXT_STOP], state[S_NEXT_TARGET], state[S_NEXT_TRAIL]
    if state[S_NEXT_BASE] == 0.0:
        stop = fill * (1.0 - side * stop)
        target = fill * (1.0 + side * target)
    if state[S_NEXT_BASE] != 1.0:
        trail = fill * trail
    return on_tick(config, stop, -side), on_tick(config, target, -side), trail


@compiled
def _open(state: Floats, config: Floats, side: float, price: float, is_maker: bool, market: float) -> bool:
    stop, target, trail = _children(state, config, side, price)
    quantity = units(state, config, price, stop)
    if quantity <= 0.0:
        _refuse(state, 5.0 if quantity < 0.0 else 3.0)
        return False
    if quantity * price < config[C_MIN_NOTIONAL]:
        _refuse(state, 4.0)
        return False
    fee = quantity * price * (config[C_MAKER] if is_maker else config[C_TAKER]) + config[C_FIXED_FEE]
    state[S_CASH] -= side * quantity * price + fee
    state[S_FEES] += fee
    state[S_QUANTITY] = side * quantity
    state[S_ENTRY_PRICE] = price
    state[S_ENTRY_FEE] = fee
    state[S_ENTRY_INDEX] = state[S_INDEX]
    state[S_SLIPPAGE] = abs(price - market) * quantity
    state[S_STOP], state[S_TARGET], state[S_TRAIL] = stop, target, trail
    state[S_INITIAL_STOP] = stop
    state[S_TROUGH], state[S_BAR_TROUGH] = side * price, math.inf
    state[S_AMBIGUOUS] = 0.0
    return True


@compiled
def _refuse(state: Floats, reason: float) -> None:
    state[S_REJECTED] += 1.0
    state[S_REASON] = reason
    state[S_REASON_INDEX] = state[S_NEXT_INDEX]


@compiled
def _takes_other(
    state: Floats,
    config: Floats,
    side: float,
    value: float,
    rival: float,
    rival_reason: int,
    o: float,
    h: float,
    low: float,
) -> bool:
    """Settle a bar on which the two paths part: the first goes to the favourable extreme first."""
    mode = config[C_INTRABAR]
    if mode == 2.0:
        nearer_high = h - o < o - low
        return nearer_high != (side > 0.0)
    if mode >= 3.0:
        state[S_DRAWS] += 1.0
        if mode == 3.0:
            return _coin(config[C_SEED], state[S_DRAWS])
        draw = int(state[S_DRAWS]) - 1
        return draw < 53 and (int(config[C_SEED]) >> draw) & 1 == 1
    if value == rival:
        return mode == 0.0 and rival_reason != TAKE_PROFIT
    return rival < value if mode == 0.0 else rival > value


@compiled
def _value(config: Floats, side: float, quantity: float, target: float, way: Way, c: float) -> float:
    """Return what a position is worth at the close if it goes this way, but for its entry."""
    if way[0] == NONE:
        return float(side * quantity * c)
    fill, fee = _exit_fill(config, side, quantity, way[1] * side, way[0], way[4], target)
    return float(side * quantity * fill - fee)


@compiled
def _worth(
    state: Floats, config: Floats, side: float, route: tuple[bool, float, bool, bool, Way, float], c: float
) -> float:
    """Return what a waiting entry brings by the close if it goes this way; 0 when it is not filled."""
    if not route[0]:
        return 0.0
    stop, target, _ = _children(state, config, side, route[1])
    quantity = max(0.0, units(state, config, route[1], stop))
    fee = quantity * route[1] * (config[C_MAKER] if route[2] else config[C_TAKER]) + config[C_FIXED_FEE]
    return float(_value(config, side, quantity, target, route[4], c) - side * quantity * route[1] - fee)


@compiled
def _exit_fill(
    config: Floats, side: float, quantity: float, price: float, reason: int, takes: bool, target: float
) -> tuple[float, float]:
    """Return price and fee of an exit."""
    fill = price
    if takes:
        fill = taken(config, price, -side, target if reason == TAKE_PROFIT else math.nan)
    return fill, quantity * fill * (config[C_TAKER] if takes else config[C_MAKER]) + config[C_FIXED_FEE]


@compiled
def _coin(seed: float, draw: float) -> bool:
    """Return a fair, reproducible bit: a few rounds of the minimal standard generator, exact in 64-bit integers."""
    x = (int(seed) % 2_147_483_647) * 48_271 + int(draw) * 69_621 + 1
    for _ in range(4):
        x = (x ^ (x >> 15)) % 2_147_483_647 * 48_271 % 2_147_483_647
    return (x >> 13) & 1 == 1


@compiled
def _close(state: Floats, config: Floats, trades: Floats, price: float, reason: int, gap: bool, takes: bool) -> None:
    quantity = abs(state[S_QUANTITY])
    side = 1.0 if state[S_QUANTITY] > 0.0 else -1.0
    fill, fee = _exit_fill(config, side, quantity, price, reason, takes, state[S_TARGET])
    state[S_CASH] += side * quantity * fill - fee
    state[S_FEES] += fee
    pnl = side * quantity * (fill - state[S_ENTRY_PRICE]) - state[S_ENTRY_FEE] - fee
    ratio = pnl / (quantity * state[S_ENTRY_PRICE])
    if pnl > 0.0:
        state[S_WINS] += 1.0
        state[S_GAIN_RATIOS] += ratio
    elif pnl < 0.0:
        state[S_LOSSES] += 1.0
        state[S_LOSS_RATIOS] += ratio
    state[S_AMBIGUOUS_TRADES] += state[S_AMBIGUOUS]
    row = trades[int(state[S_TRADES]) % trades.shape[0]]
    row[T_SIDE] = side
    row[T_ENTRY_INDEX] = state[S_ENTRY_INDEX]
    row[T_ENTRY_PRICE] = state[S_ENTRY_PRICE]
    row[T_EXIT_INDEX] = state[S_INDEX]
    row[T_EXIT_PRICE] = fill
    row[T_QUANTITY] = quantity
    row[T_ENTRY_FEE] = state[S_ENTRY_FEE]
    row[T_EXIT_FEE] = fee
    row[T_REASON] = reason
    row[T_AMBIGUOUS] = state[S_AMBIGUOUS]
    row[T_GAP] = 1.0 if gap else 0.0
    row[T_SLIPPAGE] = state[S_SLIPPAGE] + abs(fill - price) * quantity
    row[T_INITIAL_STOP] = state[S_INITIAL_STOP]
    entry = state[S_ENTRY_PRICE]
    row[T_MAE] = (entry * side - state[S_TROUGH]) / entry
    row[T_MFE] = (state[S_PEAK] - entry) * side / entry
    began_here = state[S_ENTRY_INDEX] == state[S_INDEX]
    row[T_ENTRY_WORST] = state[S_BAR_TROUGH if began_here else S_ENTRY_TROUGH] * side
    row[T_EXIT_WORST] = state[S_BAR_TROUGH] * side
    state[S_TRADES] += 1.0
    state[S_QUANTITY] = 0.0
    state[S_STOP] = state[S_TARGET] = state[S_TRAIL] = math.nan


@compiled
def _observe(state: Floats, config: Floats, c: float) -> None:
    """Follow the yearly volatility of the closes: a plain mean of squared returns at first, then exponential."""
    before = state[S_CLOSE]
    if before > 0.0:
        state[S_RETURNS] += 1.0
        change = c / before - 1.0
        weight = max(NEWEST, 1.0 / state[S_RETURNS])
        state[S_VARIANCE] += weight * (change * change - state[S_VARIANCE])
        if state[S_RETURNS] >= FEWEST_RETURNS:
            state[S_VOLATILITY] = math.sqrt(state[S_VARIANCE] * config[C_BARS_A_YEAR])
