"""What a fill costs: slippage, ticks and limits, always against the trader."""

import math

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching.layout import C_SLIP_PRICE, C_SLIP_RATIO, C_TICK
from seatrial_trading.quant.jit import compiled

Floats = NDArray[np.float64]


@compiled
def on_tick(config: Floats, price: float, side: float) -> float:
    """Return the price on the tick grid, up for a buyer (side +1), down for a seller; NaN stays NaN."""
    tick = config[C_TICK]
    if not tick > 0.0:
        return price
    ticks = price / tick
    nearest = np.rint(ticks)
    if abs(ticks - nearest) < 1e-9:
        return float(nearest * tick)
    return float((np.ceil(ticks) if side > 0.0 else np.floor(ticks)) * tick)


@compiled
def taken(config: Floats, price: float, side: float, worst: float) -> float:
    """Return what an order that takes liquidity pays: slippage goes against it, but never beyond its limit `worst`.

    Args:
        config: The execution rules.
        price: Where the market stands.
        side: +1 buys, -1 sells.
        worst: The limit of a marketable limit order, NaN for none.
    """
    paid = on_tick(config, price * (1.0 + side * config[C_SLIP_RATIO]) + side * config[C_SLIP_PRICE], side)
    if not math.isnan(worst) and (paid - worst) * side > 0.0:
        return worst
    return paid
