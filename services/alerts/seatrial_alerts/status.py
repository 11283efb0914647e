"""The current status for the metrics page: firing alerts, waiting messages, the circuit breaker."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from seatrial_alerts import breaker
from seatrial_alerts.store import outbox, states
from seatrial_service.db.session import AsyncSession


@dataclass(frozen=True)
class AlertsStatus:
    """The stored status.

    Args:
        firing: How many alerts of each rule fire.
        waiting: How many messages of each channel wait for delivery.
        oldest_at: When the oldest of them was queued; None if none waits.
        breaker: `ready`, `halting`, `halted` or `resuming`.
    """

    firing: Mapping[str, int] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)
    oldest_at: datetime | None = None
    breaker: str = "ready"


async def read_status(session: AsyncSession) -> AlertsStatus:
    """Return the current status."""
    waiting, oldest_at = await outbox.waiting(session)
    return AlertsStatus(await states.firing(session), waiting, oldest_at, (await breaker.read_breaker(session)).state)
