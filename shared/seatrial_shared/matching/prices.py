"""What a market order pays: slippage and ticks, always against it."""

import math

import numpy as np
from numpy.typing import NDArray

from seatrial_shared.matching.layout import (
    C_SLIP_PRICE,
    C_SLIP_RATIO,
    C_TICK,
)
from seatrial_shared.quant.jit import compiled

Floats = NDArray[np.float64]


@compiled
def market_price(config: Floats, price: float, side: float) -> float:
    """Return what a market order of this side pays: slippage and tick rounding always go against it."""
    slipped = price * (1.0 + side * config[C_SLIP_RATIO]) + side * config[C_SLIP_PRICE]
    tick = config[C_TICK]
    if tick > 0.0:
        ticks = slipped / tick
        nearest = np.rint(ticks)
        if abs(ticks - nearest) < 1e-9:
            return float(nearest * tick)
        return float((math.ceil(ticks) if side > 0.0 else math.floor(ticks)) * tick)
    return float(slipped)
