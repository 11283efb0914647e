"""The reference trading engine in the owner's own process."""

from typing import TYPE_CHECKING

from seatrial.lazy import exports

if TYPE_CHECKING:
    from seatrial.engine.trading_engine import TradingEngine as TradingEngine

__all__, __getattr__, __dir__ = exports(__name__, {"TradingEngine": "seatrial.engine.trading_engine"})
