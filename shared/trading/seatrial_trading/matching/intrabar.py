"""Settles a bar on which its two paths part: what each would bring, and which is taken."""

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching.layout import (
    C_FIXED_FEE,
    C_INTRABAR,
    C_MAKER,
    C_SEED,
    C_TAKER,
    NONE,
    S_DRAWS,
    TAKE_PROFIT,
)
from seatrial_trading.matching.position_sizing import units
from seatrial_trading.matching.positions import children, exit_fill
from seatrial_trading.matching.price_path import Way
from seatrial_trading.quant.jit import compiled

Floats = NDArray[np.float64]
PRIME = 2_147_483_647


@compiled
def parts(way: Way, other: Way) -> bool:
    """Tell whether two ways end in different exits."""
    return way[0] != other[0] or (way[0] != NONE and way[1] != other[1])


@compiled
def takes_other(
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
        return _nearest_is_other(side, o, h, low)
    if mode >= 3.0:
        state[S_DRAWS] += 1.0
        return drawn(config, state[S_DRAWS])
    if value == rival:
        return mode == 0.0 and rival_reason != TAKE_PROFIT
    return rival < value if mode == 0.0 else rival > value


@compiled
def drawn(config: Floats, draw: float) -> bool:
    """Return the bit that settles an ambiguous bar: of a coin, or of the seed itself; draws count from 1."""
    if config[C_INTRABAR] == 3.0:
        return _coin(config[C_SEED], draw)
    place = int(draw) - 1
    return place < 53 and (int(config[C_SEED]) >> place) & 1 == 1


@compiled
def keeps_other(config: Floats, side: float, way: Way, other: Way, o: float, h: float, low: float) -> bool:
    """Tell which of two ways that end alike was gone: `worst` takes the one with the deeper low, `best` the other."""
    mode = config[C_INTRABAR]
    if mode == 0.0:
        return other[5] < way[5]
    if mode == 1.0:
        return other[5] > way[5]
    return mode == 2.0 and _nearest_is_other(side, o, h, low)


@compiled
def _nearest_is_other(side: float, o: float, h: float, low: float) -> bool:
    return (h - o < o - low) != (side > 0.0)


@compiled
def value_at_close(config: Floats, side: float, quantity: float, target: float, way: Way, c: float) -> float:
    """Return what a position is worth at the close if it goes this way, but for its entry."""
    if way[0] == NONE:
        return float(side * quantity * c)
    fill, fee = exit_fill(config, side, quantity, way[1] * side, way[0], way[4], target)
    return float(side * quantity * fill - fee)


@compiled
def worth_at_close(
    state: Floats, config: Floats, side: float, route: tuple[bool, float, bool, bool, Way, float], c: float
) -> float:
    """Return what a waiting entry brings by the close if it goes this way; 0 when it is not filled."""
    if not route[0]:
        return 0.0
    stop, target, _ = children(state, config, side, route[1])
    quantity = max(0.0, units(state, config, route[1], stop))
    fee = quantity * route[1] * (config[C_MAKER] if route[2] else config[C_TAKER]) + config[C_FIXED_FEE]
    return float(value_at_close(config, side, quantity, target, route[4], c) - side * quantity * route[1] - fee)


@compiled
def _coin(seed: float, draw: float) -> bool:
    """Return a fair, reproducible bit: a few rounds of the minimal standard generator, exact in 64-bit integers."""
    x = (int(seed) % PRIME) * 48_271 + int(draw) * 69_621 + 1
    for _ in range(4):
        x = _over_prime(_over_prime(x ^ (x >> 15)) * 48_271)
    return (x >> 13) & 1 == 1


@compiled
def _over_prime(x: int) -> int:
    """Return the remainder over 2^31 - 1 of an integer from 0 on, without a division, by 2^31 = 1."""
    x = (x & PRIME) + (x >> 31)
    x = (x & PRIME) + (x >> 31)
    return x - PRIME if x >= PRIME else x
