"""The fill rules and the account step, once: used by backtests and by the engine's bar-driven exchange.

Doors to the same compiled step, which therefore agree trade for trade and bit for bit:

- `simulate(candles, signals, config)` runs whole signal arrays;
- `BarStepper(config)` runs one bar at a time and survives a restart by `dump` and `load`;
- `Scanner(candles, config)` places one entry and goes to its exit, for drivers that decide bar by bar;
- `bounds(candles, signals, config)` tells what the result could have been had the ambiguous bars gone otherwise.
"""

from seatrial_trading.matching.bounds.bounds import FigureRange, ResultBounds, compute_bounds
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.matching.layout import OrderKind
from seatrial_trading.matching.records import RejectedSignal, TradeRecord
from seatrial_trading.matching.scanner import Scanner
from seatrial_trading.matching.simulation import Simulation, simulate
from seatrial_trading.matching.stepper import BarStepper, EntryOrder, FillRecord

__all__ = [
    "BarStepper",
    "ResultBounds",
    "EntryOrder",
    "ExecutionConfig",
    "FillRecord",
    "OrderKind",
    "FigureRange",
    "RejectedSignal",
    "Scanner",
    "Simulation",
    "TradeRecord",
    "compute_bounds",
    "simulate",
]
