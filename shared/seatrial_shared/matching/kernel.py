"""The account step: what happens to cash, position and orders on one bar. Everything that trades bars calls this."""

import math

import numpy as np
from numpy.typing import NDArray

from seatrial_shared.matching.layout import (
    C_ALLOW_SHORT,
    C_AUCTION,
    C_FIXED_FEE,
    C_INTRABAR,
    C_MAKER,
    C_MIN_NOTIONAL,
    C_SEED,
    C_TAKER,
    C_THROUGH,
    END_OF_DATA,
    NONE,
    S_AMBIGUOUS,
    S_AMBIGUOUS_BARS,
    S_AMBIGUOUS_TRADES,
    S_CASH,
    S_CLOSE,
    S_DRAWS,
    S_ENTRY_FEE,
    S_ENTRY_INDEX,
    S_ENTRY_PRICE,
    S_FEES,
    S_GAIN_RATIOS,
    S_INDEX,
    S_INITIAL_STOP,
    S_LOSS_RATIOS,
    S_LOSSES,
    S_NEXT_BASE,
    S_NEXT_EXIT,
    S_NEXT_SIDE,
    S_NEXT_STOP,
    S_NEXT_TARGET,
    S_NEXT_TRAIL,
    S_PEAK,
    S_QUANTITY,
    S_REASON,
    S_REJECTED,
    S_SLIPPAGE,
    S_STOP,
    S_TARGET,
    S_TRADES,
    S_TRAIL,
    S_WINS,
    SIGNAL,
    T_AMBIGUOUS,
    T_ENTRY_FEE,
    T_ENTRY_INDEX,
    T_ENTRY_PRICE,
    T_EXIT_FEE,
    T_EXIT_INDEX,
    T_EXIT_PRICE,
    T_GAP,
    T_INITIAL_STOP,
    T_QUANTITY,
    T_REASON,
    T_SIDE,
    T_SLIPPAGE,
    TAKE_PROFIT,
)
from seatrial_shared.matching.prices import market_price
from seatrial_shared.matching.quantities import quantity_of
from seatrial_shared.matching.walk import walk
from seatrial_shared.quant.jit import compiled

Floats = NDArray[np.float64]


@compiled
def step(state: Floats, config: Floats, trades: Floats, o: float, h: float, low: float, c: float) -> None:
    """Run one bar: what was decided at the last close fills at the open, then the exits are walked, then the mark.

    Args:
        state: Account and orders, changed in place.
        config: The execution rules.
        trades: Rows for closed trades; the next free one is filled when a position closes.
        o, h, low, c: The bar.
    """
    if state[S_NEXT_EXIT] != 0.0 and state[S_QUANTITY] != 0.0:
        _leave_at_open(state, config, trades, o)
    if state[S_NEXT_SIDE] != 0.0:
        _enter(state, config, o)
    state[S_NEXT_EXIT] = 0.0
    state[S_NEXT_SIDE] = 0.0
    if state[S_QUANTITY] != 0.0:
        _intrabar(state, config, trades, o, h, low, c)
    state[S_CLOSE] = c
    state[S_INDEX] += 1.0


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
    """Queue the decision of the last close for the next open; return why nothing came of it (a Rejection).

    Args:
        entry: +1 long, -1 short, 0 nothing.
        leave: Close what is open.
        stop, target, trail: By `base` ratios of the fill price (0) or absolute prices (1); NaN for none.
    """
    held = state[S_QUANTITY]
    state[S_NEXT_EXIT] = 1.0 if leave and held != 0.0 else 0.0
    state[S_NEXT_SIDE] = 0.0
    if entry == 0.0:
        return 0
    if held != 0.0 and not leave:
        return 1
    if entry < 0.0 and config[C_ALLOW_SHORT] == 0.0:
        return 2
    if base == 1.0 and not _sides_fit(entry, stop, target, state[S_CLOSE]):
        return 6
    state[S_NEXT_SIDE] = entry
    state[S_NEXT_STOP] = stop
    state[S_NEXT_TARGET] = target
    state[S_NEXT_TRAIL] = trail
    state[S_NEXT_BASE] = base
    return 0


@compiled
def finish(state: Floats, config: Floats, trades: Floats) -> None:
    """Close what is open at the last close, as a market order."""
    if state[S_QUANTITY] != 0.0:
        state[S_INDEX] -= 1.0
        _close(state, config, trades, state[S_CLOSE], END_OF_DATA, False)
        state[S_INDEX] += 1.0
    state[S_NEXT_EXIT] = 0.0
    state[S_NEXT_SIDE] = 0.0


@compiled
def _sides_fit(entry: float, stop: float, target: float, close: float) -> bool:
    return not ((stop - close) * entry >= 0.0 or (target - close) * entry <= 0.0)


@compiled
def _leave_at_open(state: Floats, config: Floats, trades: Floats, o: float) -> None:
    side = 1.0 if state[S_QUANTITY] > 0.0 else -1.0
    # Resting orders are looked at before market orders: a gap through the stop keeps its own reason.
    reason, price, _, gap = walk(
        o * side,
        o * side,
        o * side,
        o * side,
        state[S_STOP] * side,
        state[S_TARGET] * side,
        state[S_TRAIL],
        state[S_PEAK] * side,
        config[C_AUCTION] != 0.0,
        config[C_THROUGH],
    )
    if reason == NONE:
        _close(state, config, trades, o, SIGNAL, False)
    else:
        _close(state, config, trades, price * side, reason, gap)


@compiled
def _enter(state: Floats, config: Floats, o: float) -> None:
    side = state[S_NEXT_SIDE]
    price = market_price(config, o, side)
    stop, target, trail = state[S_NEXT_STOP], state[S_NEXT_TARGET], state[S_NEXT_TRAIL]
    if state[S_NEXT_BASE] == 0.0:
        stop = price * (1.0 - side * stop)
        target = price * (1.0 + side * target)
        trail = price * trail
    quantity = quantity_of(state, config, price, stop)
    if quantity * price < config[C_MIN_NOTIONAL] or quantity <= 0.0:
        state[S_REJECTED] += 1.0
        state[S_REASON] = 3.0 if quantity <= 0.0 else 4.0
        return
    fee = quantity * price * config[C_TAKER] + config[C_FIXED_FEE]
    state[S_CASH] -= side * quantity * price + fee
    state[S_FEES] += fee
    state[S_QUANTITY] = side * quantity
    state[S_ENTRY_PRICE] = price
    state[S_ENTRY_FEE] = fee
    state[S_ENTRY_INDEX] = state[S_INDEX]
    state[S_SLIPPAGE] = abs(price - o) * quantity
    state[S_STOP], state[S_TARGET], state[S_TRAIL] = stop, target, trail
    state[S_INITIAL_STOP] = stop
    state[S_PEAK] = price
    state[S_AMBIGUOUS] = 0.0


@compiled
def _intrabar(state: Floats, config: Floats, trades: Floats, o: float, h: float, low: float, c: float) -> None:
    side = 1.0 if state[S_QUANTITY] > 0.0 else -1.0
    stop, target, trail, peak = state[S_STOP] * side, state[S_TARGET] * side, state[S_TRAIL], state[S_PEAK] * side
    # A target that the entry already lies beyond is marketable when it is placed: it fills at the open.
    was_entered = state[S_ENTRY_INDEX] == state[S_INDEX]
    auction, through = config[C_AUCTION] != 0.0 or was_entered, config[C_THROUGH]
    a, top, bottom, z = o * side, h * side, low * side, c * side
    first = walk(a, top, bottom, z, stop, target, trail, peak, auction, through)
    other = walk(a, bottom, top, z, stop, target, trail, peak, auction, through)
    chosen = first
    if first[0] != other[0] or (first[0] != NONE and first[1] != other[1]):
        state[S_AMBIGUOUS_BARS] += 1.0
        state[S_AMBIGUOUS] = 1.0
        if _takes_other(state, config, side, first, other, o, h, low, c):
            chosen = other
    state[S_PEAK] = chosen[2] * side
    if chosen[0] != NONE:
        _close(state, config, trades, chosen[1] * side, chosen[0], chosen[3])


@compiled
def _takes_other(
    state: Floats,
    config: Floats,
    side: float,
    first: tuple[int, float, float, bool],
    other: tuple[int, float, float, bool],
    o: float,
    h: float,
    low: float,
    c: float,
) -> bool:
    """Settle a bar on which the two paths part: `first` goes to the favourable extreme first."""
    mode = config[C_INTRABAR]
    if mode == 2.0:
        nearer_high = h - o < o - low
        return nearer_high != (side > 0.0)
    if mode == 3.0:
        state[S_DRAWS] += 1.0
        return _coin(config[C_SEED], state[S_DRAWS])
    value = _value(config, state, side, first, c)
    rival = _value(config, state, side, other, c)
    if value == rival:
        return mode == 0.0 and other[0] != TAKE_PROFIT
    return rival < value if mode == 0.0 else rival > value


@compiled
def _value(config: Floats, state: Floats, side: float, way: tuple[int, float, float, bool], c: float) -> float:
    quantity = abs(state[S_QUANTITY])
    if way[0] == NONE:
        return float(side * quantity * c)
    price = way[1] * side
    is_limit = way[0] == TAKE_PROFIT
    fill = price if is_limit else market_price(config, price, -side)
    rate = config[C_MAKER] if is_limit else config[C_TAKER]
    return float(side * quantity * fill - quantity * fill * rate - config[C_FIXED_FEE])


@compiled
def _coin(seed: float, draw: float) -> bool:
    """Return a fair, reproducible bit: a few rounds of the minimal standard generator, exact in 64-bit integers."""
    x = (int(seed) % 2_147_483_647) * 48_271 + int(draw) * 69_621 + 1
    for _ in range(4):
        x = (x ^ (x >> 15)) % 2_147_483_647 * 48_271 % 2_147_483_647
    return (x >> 13) & 1 == 1


@compiled
def _close(state: Floats, config: Floats, trades: Floats, price: float, reason: int, gap: bool) -> None:
    quantity = abs(state[S_QUANTITY])
    side = 1.0 if state[S_QUANTITY] > 0.0 else -1.0
    is_limit = reason == TAKE_PROFIT and not (gap and state[S_ENTRY_INDEX] == state[S_INDEX])
    fill = price if is_limit else market_price(config, price, -side)
    fee = quantity * fill * (config[C_MAKER] if is_limit else config[C_TAKER]) + config[C_FIXED_FEE]
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
    state[S_TRADES] += 1.0
    state[S_QUANTITY] = 0.0
    state[S_STOP] = state[S_TARGET] = state[S_TRAIL] = math.nan
