"""The fill rules and the account step, once: used by backtests and by the engine's bar-driven exchange.

Doors to the same compiled step, which therefore agree trade for trade and bit for bit:

- `simulate(candles, signals, config)` runs whole signal arrays;
- `BarStepper(config)` runs one bar at a time and survives a restart by `dump` and `load`;
- `Scanner(candles, config)` places one entry and goes to its exit, for drivers that decide bar by bar;
- `bounds(candles, signals, config)` tells what the result could have been had the ambiguous bars gone otherwise.
"""

from seatrial_shared.matching.bounds import Bounds, Range, bounds
from seatrial_shared.matching.config import ExecutionConfig
from seatrial_shared.matching.layout import OrderKind
from seatrial_shared.matching.records import Rejected, TradeRecord
from seatrial_shared.matching.scanner import Scanner
from seatrial_shared.matching.simulation import Simulation, simulate
from seatrial_shared.matching.stepper import BarStepper, EntryOrder, FillRecord

__all__ = [
    "BarStepper",
    "Bounds",
    "EntryOrder",
    "ExecutionConfig",
    "FillRecord",
    "OrderKind",
    "Range",
    "Rejected",
    "Scanner",
    "Simulation",
    "TradeRecord",
    "bounds",
    "simulate",
]
