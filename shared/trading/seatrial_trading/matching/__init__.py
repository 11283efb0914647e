"""Fill rules and the account step, shared by backtests and the engine's simulated exchange.

All entry points run the same compiled step and therefore agree trade for trade and bit for bit:

- `simulate(candles, signals, config)` runs whole signal arrays;
- `BarStepper(config)` runs one bar at a time and survives a restart by `dump` and `load`;
- `Scanner(candles, config)` places one entry and simulates to its exit;
- `compute_bounds(candles, signals, config)` returns the range of the result over the paths of ambiguous bars.
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
