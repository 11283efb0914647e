"""The fill rules and the account step, once: used by backtests and by the engine's bar-driven exchange.

`simulate` runs whole signal arrays, `BarStepper` one bar at a time; both call the same compiled step, so they agree
trade for trade and bit for bit.
"""

from seatrial_shared.matching.config import ExecutionConfig
from seatrial_shared.matching.records import Rejected, TradeRecord
from seatrial_shared.matching.simulation import Simulation, simulate
from seatrial_shared.matching.stepper import BarStepper, FillRecord

__all__ = ["BarStepper", "ExecutionConfig", "FillRecord", "Rejected", "Simulation", "TradeRecord", "simulate"]
