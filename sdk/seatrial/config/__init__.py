"""The configuration of a trading engine."""

from typing import TYPE_CHECKING

from seatrial.lazy import exports

if TYPE_CHECKING:
    from seatrial.config.trading_config import TradingConfig as TradingConfig

__all__, __getattr__, __dir__ = exports(__name__, {"TradingConfig": "seatrial.config.trading_config"})
