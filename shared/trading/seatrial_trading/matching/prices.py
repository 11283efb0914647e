"""Fill prices: slippage, price ticks and limits, always rounded against the trader."""

import math

import numpy as np

from seatrial_trading.matching.layout import C_SLIP_PRICE, C_SLIP_RATIO, C_TICK
from seatrial_trading.quant.column import Floats
from seatrial_trading.quant.jit import compiled

# Prices within this part of a tick from the grid, and quantities within this part of a lot, are on it.
GRID_TOLERANCE = 1e-9


@compiled
def round_to_tick(config: Floats, price: float, side: float) -> float:
    """Return the price on the tick grid, rounded up for a buyer and down for a seller; NaN stays NaN.

    Args:
        config: The packed execution rules, float64[C_SIZE].
        price: Price in quote currency.
        side: +1 buys, -1 sells.
    """
    tick = config[C_TICK]
    if not tick > 0.0:
        return price
    ticks = price / tick
    nearest = np.rint(ticks)
    if abs(ticks - nearest) < GRID_TOLERANCE:
        return float(nearest * tick)
    return float((np.ceil(ticks) if side > 0.0 else np.floor(ticks)) * tick)


@compiled
def taker_price(config: Floats, price: float, side: float, limit: float) -> float:
    """Return the fill price of an order that takes liquidity: market price plus slippage, never beyond its limit.

    Args:
        config: The packed execution rules, float64[C_SIZE].
        price: Market price.
        side: +1 buys, -1 sells.
        limit: The limit of a marketable limit order, NaN for none.
    """
    fill = round_to_tick(config, price * (1.0 + side * config[C_SLIP_RATIO]) + side * config[C_SLIP_PRICE], side)
    if not math.isnan(limit) and (fill - limit) * side > 0.0:
        return limit
    return fill
