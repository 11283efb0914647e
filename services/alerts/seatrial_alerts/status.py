"""How things stand: what fires, what waits, the breaker; looked at after every tick, shown on the metrics page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_alerts import breaker
from seatrial_alerts.store import outbox, states


@dataclass(frozen=True)
class AlertsStatus:
    """What was so at the last look.

    Args:
        firing: How many alerts of each rule fire.
        waiting: How many messages of each channel wait.
        oldest_at: Since when the oldest of them waits.
        breaker: `ready`, `halting`, `halted` or `resuming`.
    """

    firing: Mapping[str, int] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)
    oldest_at: datetime | None = None
    breaker: str = "ready"


async def read_status(session: AsyncSession) -> AlertsStatus:
    """Return how things stand now."""
    waiting, oldest_at = await outbox.waiting(session)
    return AlertsStatus(await states.firing(session), waiting, oldest_at, (await breaker.standing(session)).state)
