"""Intrabar rules: which of the two price paths of a bar is used when they lead to different results.

The favourable path visits the favourable extreme first (the high for a long position), the adverse path the other one.
"""

from typing import NamedTuple

from seatrial_trading.matching.layout import (
    C_FIXED_FEE,
    C_INTRABAR,
    C_MAKER,
    C_SEED,
    C_TAKER,
    EXIT_NONE,
    EXIT_TAKE_PROFIT,
    INTRABAR_BEST,
    INTRABAR_NEAREST,
    INTRABAR_RANDOM,
    INTRABAR_WORST,
    S_DRAWS,
)
from seatrial_trading.matching.position_sizing import order_quantity
from seatrial_trading.matching.positions import bracket_prices, exit_fill
from seatrial_trading.matching.price_path import PathOutcome
from seatrial_trading.quant.column import Floats
from seatrial_trading.quant.jit import compiled

PRIME = 2_147_483_647
SEED_BITS = 53  # a seed is kept as a float64


class EntryOutcome(NamedTuple):
    """What happens to a pending entry order, and to its position, on one price path.

    Args:
        is_filled: Whether the order fills.
        price: Fill price after slippage, NaN when not filled.
        is_maker: Whether the order was resting.
        is_triggered: Whether its stop price has been reached.
        exit: How the new position ends on the rest of the path.
        market_price: Fill price before slippage, NaN when not filled.
    """

    is_filled: bool
    price: float
    is_maker: bool
    is_triggered: bool
    exit: PathOutcome
    market_price: float


@compiled
def exits_differ(favourable: PathOutcome, adverse: PathOutcome) -> bool:
    """Return whether two outcomes differ in the reason or the price of the exit."""
    return favourable.reason != adverse.reason or (favourable.reason != EXIT_NONE and favourable.price != adverse.price)


@compiled
def uses_adverse_path(
    state: Floats,
    config: Floats,
    side: float,
    favourable_value: float,
    adverse_value: float,
    adverse_reason: int,
    o: float,
    h: float,
    low: float,
) -> bool:
    """Return whether an ambiguous bar uses the adverse path, by the rule in `config`.

    Args:
        state: Account and orders, float64[S_SIZE]; the seeded rules count their draws there.
        config: The packed execution rules, float64[C_SIZE].
        side: +1 long, -1 short.
        favourable_value: Money at the close on the favourable path.
        adverse_value: Money at the close on the adverse path.
        adverse_reason: The Exit on the adverse path; with equal values `worst` prefers a stop.
        o: Open of the bar.
        h: High of the bar.
        low: Low of the bar.
    """
    rule = config[C_INTRABAR]
    if rule == INTRABAR_NEAREST:
        return _nearest_is_adverse(side, o, h, low)
    if rule >= INTRABAR_RANDOM:
        state[S_DRAWS] += 1.0
        return scenario_bit(config, state[S_DRAWS])
    if favourable_value == adverse_value:
        return rule == INTRABAR_WORST and adverse_reason != EXIT_TAKE_PROFIT
    return adverse_value < favourable_value if rule == INTRABAR_WORST else adverse_value > favourable_value


@compiled
def scenario_bit(config: Floats, draw: float) -> bool:
    """Return whether an ambiguous bar uses the adverse path: a seeded random bit, or a bit of the seed.

    Args:
        config: The packed execution rules, float64[C_SIZE].
        draw: Number of the ambiguous bar in its run, from 1.
    """
    if config[C_INTRABAR] == INTRABAR_RANDOM:
        return _random_bit(config[C_SEED], draw)
    position = int(draw) - 1
    return position < SEED_BITS and (int(config[C_SEED]) >> position) & 1 == 1


@compiled
def extremes_use_adverse_path(
    config: Floats, side: float, favourable: PathOutcome, adverse: PathOutcome, o: float, h: float, low: float
) -> bool:
    """Return which of two paths with equal exits counts for the excursions: `worst` takes the deeper low."""
    rule = config[C_INTRABAR]
    if rule == INTRABAR_WORST:
        return adverse.lowest < favourable.lowest
    if rule == INTRABAR_BEST:
        return adverse.lowest > favourable.lowest
    return rule == INTRABAR_NEAREST and _nearest_is_adverse(side, o, h, low)


@compiled
def position_value_at_close(
    config: Floats, side: float, quantity: float, target: float, outcome: PathOutcome, c: float
) -> float:
    """Return the signed value of a position at the close `c` on one path, net of the exit fee."""
    if outcome.reason == EXIT_NONE:
        return float(side * quantity * c)
    fill, fee = exit_fill(config, side, quantity, outcome.price * side, outcome.reason, outcome.takes_liquidity, target)
    return float(side * quantity * fill - fee)


@compiled
def entry_value_at_close(state: Floats, config: Floats, side: float, entry: EntryOutcome, c: float) -> float:
    """Return the profit of a pending entry by the close `c` on one path; 0 when it is not filled."""
    if not entry.is_filled:
        return 0.0
    stop, target, _ = bracket_prices(state, config, side, entry.price)
    quantity = max(0.0, order_quantity(state, config, entry.price, stop))
    fee = quantity * entry.price * (config[C_MAKER] if entry.is_maker else config[C_TAKER]) + config[C_FIXED_FEE]
    value = position_value_at_close(config, side, quantity, target, entry.exit, c)
    return float(value - side * quantity * entry.price - fee)


@compiled
def _nearest_is_adverse(side: float, o: float, h: float, low: float) -> bool:
    return (h - o < o - low) != (side > 0.0)


@compiled
def _random_bit(seed: float, draw: float) -> bool:
    # A few rounds of the minimal standard generator (Park and Miller 1988), exact in 64-bit integers.
    x = (int(seed) % PRIME) * 48_271 + int(draw) * 69_621 + 1
    for _ in range(4):
        x = _modulo_prime(_modulo_prime(x ^ (x >> 15)) * 48_271)
    return (x >> 13) & 1 == 1


@compiled
def _modulo_prime(x: int) -> int:
    x = (x & PRIME) + (x >> 31)  # 2^31 is 1 modulo 2^31 - 1, so that no division is needed
    x = (x & PRIME) + (x >> 31)
    return x - PRIME if x >= PRIME else x
