"""All indicators by name; each is defined once, in the module that it is imported from."""

from seatrial_trading.quant.averages import ema, sma
from seatrial_trading.quant.channels import donchian, rolling_max, rolling_min
from seatrial_trading.quant.momentum import Macd, macd, rsi
from seatrial_trading.quant.volatility import Bands, atr, bollinger, rolling_std, true_range

__all__ = [
    "Bands",
    "Macd",
    "atr",
    "bollinger",
    "donchian",
    "ema",
    "macd",
    "rolling_max",
    "rolling_min",
    "rolling_std",
    "rsi",
    "sma",
    "true_range",
]
