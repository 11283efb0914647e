"""Opens and closes the position of an account, and keeps what is known of it on the way."""

import math

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching.layout import (
    C_BARS_A_YEAR,
    C_FIXED_FEE,
    C_MAKER,
    C_MIN_NOTIONAL,
    C_TAKER,
    S_AMBIGUOUS,
    S_AMBIGUOUS_TRADES,
    S_BAR_TROUGH,
    S_CASH,
    S_CLOSE,
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
    S_NEXT_BASE,
    S_NEXT_INDEX,
    S_NEXT_STOP,
    S_NEXT_TARGET,
    S_NEXT_TRAIL,
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
    S_VARIANCE,
    S_VOLATILITY,
    S_WINS,
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
from seatrial_trading.matching.position_sizing import units
from seatrial_trading.matching.price_path import Way
from seatrial_trading.matching.prices import on_tick, taken
from seatrial_trading.quant.jit import compiled

Floats = NDArray[np.float64]
# Weight of the newest return in the volatility, and how many returns it takes to be known.
NEWEST = 0.06
MIN_RETURNS = 20.0


@compiled
def open_position(state: Floats, config: Floats, side: float, price: float, is_maker: bool, market: float) -> bool:
    """Buy or sell what the waiting entry is for; return whether it came to a position."""
    stop, target, trail = children(state, config, side, price)
    quantity = units(state, config, price, stop)
    if quantity <= 0.0:
        refuse(state, 5.0 if quantity < 0.0 else 3.0)
        return False
    if quantity * price < config[C_MIN_NOTIONAL]:
        refuse(state, 4.0)
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
def close_position(
    state: Floats, config: Floats, trades: Floats, price: float, reason: int, gap: bool, takes: bool
) -> None:
    """Close the position at a price before slippage and write the row of its trade."""
    quantity = abs(state[S_QUANTITY])
    side = 1.0 if state[S_QUANTITY] > 0.0 else -1.0
    fill, fee = exit_fill(config, side, quantity, price, reason, takes, state[S_TARGET])
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
def children(state: Floats, config: Floats, side: float, fill: float) -> tuple[float, float, float]:
    """Return stop, target and trailing distance of the waiting entry, as prices, if it is filled at `fill`."""
    stop, target, trail = state[S_NEXT_STOP], state[S_NEXT_TARGET], state[S_NEXT_TRAIL]
    if state[S_NEXT_BASE] == 0.0:
        stop = fill * (1.0 - side * stop)
        target = fill * (1.0 + side * target)
    if state[S_NEXT_BASE] != 1.0:
        trail = fill * trail
    return on_tick(config, stop, -side), on_tick(config, target, -side), trail


@compiled
def exit_fill(
    config: Floats, side: float, quantity: float, price: float, reason: int, takes: bool, target: float
) -> tuple[float, float]:
    """Return price and fee of an exit."""
    fill = price
    if takes:
        fill = taken(config, price, -side, target if reason == TAKE_PROFIT else math.nan)
    return fill, quantity * fill * (config[C_TAKER] if takes else config[C_MAKER]) + config[C_FIXED_FEE]


@compiled
def note(state: Floats, side: float, way: Way) -> None:
    """Keep how far the price went for and against the position on this way."""
    state[S_PEAK] = way[2] * side
    state[S_TROUGH] = min(state[S_TROUGH], way[5])
    state[S_BAR_TROUGH] = min(state[S_BAR_TROUGH], way[5])


@compiled
def refuse(state: Floats, reason: float) -> None:
    """Note why the waiting entry came to nothing, a Rejection."""
    state[S_REJECTED] += 1.0
    state[S_REASON] = reason
    state[S_REASON_INDEX] = state[S_NEXT_INDEX]


@compiled
def observe(state: Floats, config: Floats, c: float) -> None:
    """Follow the yearly volatility of the closes: a plain mean of squared returns at first, then exponential."""
    before = state[S_CLOSE]
    if before > 0.0:
        state[S_RETURNS] += 1.0
        change = c / before - 1.0
        weight = max(NEWEST, 1.0 / state[S_RETURNS])
        state[S_VARIANCE] += weight * (change * change - state[S_VARIANCE])
        if state[S_RETURNS] >= MIN_RETURNS:
            state[S_VOLATILITY] = math.sqrt(state[S_VARIANCE] * config[C_BARS_A_YEAR])
