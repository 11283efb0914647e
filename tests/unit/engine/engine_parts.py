"""An engine in memory, with a manual clock and ids that count up."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from seatrial_core.clock import ManualClock
from seatrial_engine.domain.changes import Event
from seatrial_engine.domain.config import EngineConfig, RiskLimits
from seatrial_engine.engine import Engine
from seatrial_engine.memory import MemoryStore

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Bench:
    """One engine and every event that it sent."""

    def __init__(self, limits: RiskLimits | None = None, clock: Any = None, **config: Any) -> None:
        self.events: list[Event] = []
        self.clock: Any = clock or ManualClock(START)  # Any: a test's own clock has more to set
        self.store = MemoryStore(self.events.extend)
        numbers = count(1)
        settings = EngineConfig(limits=limits or RiskLimits(), **config)
        self.engine = Engine(settings, self.store, None, self.clock, lambda: f"n{next(numbers)}")

    def send(self, action: str, price: str | None = "100", **fields: Any) -> dict[str, Any]:
        """Send a signal for X."""
        values = {"symbol": "X", "action": action, "price": price, **fields}
        return self.engine.process_signal({name: value for name, value in values.items() if value is not None})

    @property
    def cash(self) -> Decimal:
        """Return the default account's cash."""
        return self.engine.state.accounts["default"].cash

    def of_type(self, kind: str) -> list[Event]:
        """Return the events of a type."""
        return [event for event in self.events if event["type"] == kind]
