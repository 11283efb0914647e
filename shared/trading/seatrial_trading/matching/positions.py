"""Opens and closes the position of an account and updates the statistics that sizing needs."""

import math

from seatrial_trading.matching.layout import (
    BASE_FILL_RATIO,
    BASE_PRICE,
    C_BARS_PER_YEAR,
    C_FIXED_FEE,
    C_MAKER,
    C_MIN_NOTIONAL,
    C_TAKER,
    EXIT_TAKE_PROFIT,
    REJECT_BELOW_MINIMUM_NOTIONAL,
    REJECT_NO_CASH,
    REJECT_NO_SIZE,
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
)
from seatrial_trading.matching.position_sizing import order_quantity
from seatrial_trading.matching.price_path import PathOutcome
from seatrial_trading.matching.prices import round_to_tick, taker_price
from seatrial_trading.quant.column import Floats
from seatrial_trading.quant.jit import compiled

# Weight of the newest squared return in the volatility, and how many returns it needs.
NEWEST_WEIGHT = 0.06
MIN_RETURNS = 20.0


@compiled
def open_position(
    state: Floats, config: Floats, side: float, price: float, is_maker: bool, market_price: float
) -> bool:
    """Fill the pending entry; return whether a position was opened.

    Args:
        state: Account and orders, float64[S_SIZE], changed in place.
        config: The packed execution rules, float64[C_SIZE].
        side: +1 buys, -1 sells short.
        price: Fill price after slippage.
        is_maker: Whether the maker fee applies.
        market_price: Fill price before slippage.
    """
    stop, target, trail = bracket_prices(state, config, side, price)
    quantity = order_quantity(state, config, price, stop)
    if quantity <= 0.0:
        reject_order(state, REJECT_NO_CASH if quantity < 0.0 else REJECT_NO_SIZE)
        return False
    if quantity * price < config[C_MIN_NOTIONAL]:
        reject_order(state, REJECT_BELOW_MINIMUM_NOTIONAL)
        return False
    fee = quantity * price * (config[C_MAKER] if is_maker else config[C_TAKER]) + config[C_FIXED_FEE]
    state[S_CASH] -= side * quantity * price + fee
    state[S_FEES] += fee
    state[S_QUANTITY] = side * quantity
    state[S_ENTRY_PRICE] = price
    state[S_ENTRY_FEE] = fee
    state[S_ENTRY_INDEX] = state[S_INDEX]
    state[S_SLIPPAGE] = abs(price - market_price) * quantity
    state[S_STOP], state[S_TARGET], state[S_TRAIL] = stop, target, trail
    state[S_INITIAL_STOP] = stop
    state[S_TROUGH], state[S_BAR_TROUGH] = side * price, math.inf
    state[S_AMBIGUOUS] = 0.0
    return True


@compiled
def close_position(
    state: Floats, config: Floats, trades: Floats, price: float, reason: int, is_gap: bool, takes_liquidity: bool
) -> None:
    """Close the position and write the row of its trade.

    Args:
        state: Account and orders, float64[S_SIZE], changed in place.
        config: The packed execution rules, float64[C_SIZE].
        trades: Rows for closed trades, float64[m, T_SIZE], reused from the first when full.
        price: Exit price before slippage.
        reason: An Exit.
        is_gap: Whether the bar opened beyond the order.
        takes_liquidity: Whether the taker fee and slippage apply.
    """
    quantity = abs(state[S_QUANTITY])
    side = 1.0 if state[S_QUANTITY] > 0.0 else -1.0
    fill, fee = exit_fill(config, side, quantity, price, reason, takes_liquidity, state[S_TARGET])
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
    row[T_GAP] = 1.0 if is_gap else 0.0
    row[T_SLIPPAGE] = state[S_SLIPPAGE] + abs(fill - price) * quantity
    row[T_INITIAL_STOP] = state[S_INITIAL_STOP]
    entry = state[S_ENTRY_PRICE]
    row[T_MAE] = (entry * side - state[S_TROUGH]) / entry
    row[T_MFE] = (state[S_PEAK] - entry) * side / entry
    entered_here = state[S_ENTRY_INDEX] == state[S_INDEX]
    row[T_ENTRY_WORST] = state[S_BAR_TROUGH if entered_here else S_ENTRY_TROUGH] * side
    row[T_EXIT_WORST] = state[S_BAR_TROUGH] * side
    state[S_TRADES] += 1.0
    state[S_QUANTITY] = 0.0
    state[S_STOP] = state[S_TARGET] = state[S_TRAIL] = math.nan


@compiled
def bracket_prices(state: Floats, config: Floats, side: float, fill: float) -> tuple[float, float, float]:
    """Return stop price, target price and trailing distance of the pending entry if it fills at `fill`."""
    stop, target, trail = state[S_NEXT_STOP], state[S_NEXT_TARGET], state[S_NEXT_TRAIL]
    if state[S_NEXT_BASE] == BASE_FILL_RATIO:
        stop = fill * (1.0 - side * stop)
        target = fill * (1.0 + side * target)
    if state[S_NEXT_BASE] != BASE_PRICE:
        trail = fill * trail
    return round_to_tick(config, stop, -side), round_to_tick(config, target, -side), trail


@compiled
def exit_fill(
    config: Floats, side: float, quantity: float, price: float, reason: int, takes_liquidity: bool, target: float
) -> tuple[float, float]:
    """Return fill price and fee of an exit at a price before slippage."""
    fill = price
    if takes_liquidity:
        fill = taker_price(config, price, -side, target if reason == EXIT_TAKE_PROFIT else math.nan)
    return fill, quantity * fill * (config[C_TAKER] if takes_liquidity else config[C_MAKER]) + config[C_FIXED_FEE]


@compiled
def record_extremes(state: Floats, side: float, outcome: PathOutcome) -> None:
    """Update the most and the least favourable price of the position with those of one path."""
    state[S_PEAK] = outcome.peak * side
    state[S_TROUGH] = min(state[S_TROUGH], outcome.lowest)
    state[S_BAR_TROUGH] = min(state[S_BAR_TROUGH], outcome.lowest)


@compiled
def reject_order(state: Floats, reason: int) -> None:
    """Record the Rejection of the pending entry."""
    state[S_REJECTED] += 1.0
    state[S_REASON] = reason
    state[S_REASON_INDEX] = state[S_NEXT_INDEX]


@compiled
def update_volatility(state: Floats, config: Floats, c: float) -> None:
    """Update the yearly volatility with the close `c`: the mean of squared returns, exponential once it is long."""
    before = state[S_CLOSE]
    if before > 0.0:
        state[S_RETURNS] += 1.0
        change = c / before - 1.0
        weight = max(NEWEST_WEIGHT, 1.0 / state[S_RETURNS])
        state[S_VARIANCE] += weight * (change * change - state[S_VARIANCE])
        if state[S_RETURNS] >= MIN_RETURNS:
            state[S_VOLATILITY] = math.sqrt(state[S_VARIANCE] * config[C_BARS_PER_YEAR])
