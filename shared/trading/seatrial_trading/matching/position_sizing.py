"""How many units an entry buys: the sizing kinds in compiled form, within buying power and whole lots."""

import math

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching.layout import (
    C_FIXED_FEE,
    C_KELLY_CAP,
    C_KELLY_FALLBACK,
    C_KELLY_MINIMUM,
    C_LOT,
    C_SIZE_KIND,
    C_SIZE_VALUE,
    C_TAKER,
    S_CASH,
    S_GAIN_RATIOS,
    S_LOSS_RATIOS,
    S_LOSSES,
    S_NEXT_SIZE,
    S_NEXT_SIZE_KIND,
    S_TRADES,
    S_VOLATILITY,
    S_WINS,
)
from seatrial_trading.quant.jit import compiled

Floats = NDArray[np.float64]
# A hair of tolerance: 10 units of 100.0 are affordable with 1000.0 whatever the last bit says.
HAIR = 1.0 + 1e-12
NO_CASH = -1.0


@compiled
def units(state: Floats, config: Floats, price: float, stop: float) -> float:
    """Return the quantity, rounded down to lots; 0 means that the sizing gives none, NO_CASH that it is unaffordable.

    A quantity or a notional that was named is bought whole or not at all; shares of the equity, risk, Kelly and
    volatility sizes stop at the buying power, which keeps the fees of both sides.
    """
    equity = state[S_CASH]
    kind, value = config[C_SIZE_KIND], config[C_SIZE_VALUE]
    if not math.isnan(state[S_NEXT_SIZE]):
        kind, value = state[S_NEXT_SIZE_KIND], state[S_NEXT_SIZE]
    affordable = (equity - 2.0 * config[C_FIXED_FEE]) / (price * (1.0 + 2.0 * max(0.0, config[C_TAKER])))
    if kind == 0.0 or kind == 1.0:
        wanted = value if kind == 0.0 else value / price
        if wanted > affordable * HAIR:
            return NO_CASH
    elif kind == 2.0:
        wanted = value * affordable
    elif kind == 5.0:
        volatility = state[S_VOLATILITY]
        wanted = value / volatility * equity / price if volatility > 0.0 else 0.0
    else:
        share = value if kind == 3.0 else _kelly(state, config)
        wanted = share * equity / _loss_per_unit(state, price, stop)
    quantity = wanted if kind < 2.0 else min(wanted, affordable)
    lot = config[C_LOT]
    if lot > 0.0:
        lots = quantity / lot
        nearest = np.rint(lots)
        quantity = (nearest if abs(lots - nearest) < 1e-9 else math.floor(lots)) * lot
    return quantity if quantity > 0.0 else 0.0


@compiled
def _kelly(state: Floats, config: Floats) -> float:
    wins, losses = state[S_WINS], state[S_LOSSES]
    closed = state[S_TRADES]
    if closed < config[C_KELLY_MINIMUM]:
        return float(config[C_KELLY_FALLBACK])
    if wins == 0.0:
        return 0.0
    if losses == 0.0:
        return float(config[C_KELLY_FALLBACK])
    won = wins / closed
    payoff = (state[S_GAIN_RATIOS] / wins) / (-state[S_LOSS_RATIOS] / losses)
    full = won - (1.0 - won) / payoff
    return float(min(max(0.0, config[C_SIZE_VALUE] * full), config[C_KELLY_CAP]))


@compiled
def _loss_per_unit(state: Floats, price: float, stop: float) -> float:
    if not math.isnan(stop):
        return abs(price - stop) if price != stop else math.inf
    if state[S_LOSSES] > 0.0:
        return float(-state[S_LOSS_RATIOS] / state[S_LOSSES] * price)
    return math.inf
