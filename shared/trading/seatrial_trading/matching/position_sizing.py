"""Quantity of an entry: the sizing kinds in compiled form, within buying power and whole lots."""

import math

import numpy as np

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
    SIZE_EQUITY,
    SIZE_FIXED,
    SIZE_NOTIONAL,
    SIZE_RISK,
    SIZE_VOL,
)
from seatrial_trading.matching.prices import GRID_TOLERANCE
from seatrial_trading.quant.column import Floats
from seatrial_trading.quant.jit import compiled

# 10 units at 100.0 are affordable with 1000.0 whatever the last bit is.
AFFORDABLE_TOLERANCE = 1.0 + 1e-12
UNAFFORDABLE = -1.0


@compiled
def order_quantity(state: Floats, config: Floats, price: float, stop: float) -> float:
    """Return the quantity, rounded down to lots; 0 when the sizing gives none, UNAFFORDABLE when cash is short.

    A fixed quantity or notional is bought whole or not at all; equity, risk, Kelly and volatility sizes are capped at
    the buying power, which keeps the fees of both sides.

    Args:
        state: Account and orders, float64[S_SIZE].
        config: The packed execution rules, float64[C_SIZE].
        price: Fill price of the entry.
        stop: Its stop price, NaN for none.
    """
    equity = state[S_CASH]
    kind, value = config[C_SIZE_KIND], config[C_SIZE_VALUE]
    if not math.isnan(state[S_NEXT_SIZE]):
        kind, value = state[S_NEXT_SIZE_KIND], state[S_NEXT_SIZE]
    affordable = (equity - 2.0 * config[C_FIXED_FEE]) / (price * (1.0 + 2.0 * max(0.0, config[C_TAKER])))
    is_absolute = kind in (SIZE_FIXED, SIZE_NOTIONAL)
    if is_absolute:
        quantity = value if kind == SIZE_FIXED else value / price
        if quantity > affordable * AFFORDABLE_TOLERANCE:
            return UNAFFORDABLE
    elif kind == SIZE_EQUITY:
        quantity = value * affordable
    elif kind == SIZE_VOL:
        volatility = state[S_VOLATILITY]
        quantity = value / volatility * equity / price if volatility > 0.0 else 0.0
    else:
        share = value if kind == SIZE_RISK else _kelly_share(state, config)
        quantity = share * equity / _loss_per_unit(state, price, stop)
    quantity = quantity if is_absolute else min(quantity, affordable)
    lot = config[C_LOT]
    if lot > 0.0:
        lots = quantity / lot
        nearest = np.rint(lots)
        quantity = (nearest if abs(lots - nearest) < GRID_TOLERANCE else math.floor(lots)) * lot
    return quantity if quantity > 0.0 else 0.0


@compiled
def _kelly_share(state: Floats, config: Floats) -> float:
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
