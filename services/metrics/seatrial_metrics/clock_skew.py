"""Events ahead of the clock: refused beyond a small skew, counted as of their receipt within it."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from seatrial_core.contracts.events import IN_THE_FUTURE, Environment, Event, RejectedEvent

MAX_SKEW = timedelta(seconds=5)
RESOLUTION = timedelta(microseconds=1)
NONE = timedelta(0)


class EngineKey(NamedTuple):
    """An engine of one environment."""

    environment: str
    engine: str


def runs_on_clock(event: Event) -> bool:
    """Return whether the time of an event is the time of day; replay runs on the time of its data."""
    return event.environment is not Environment.REPLAY


class ClocksAhead:
    """Checks the events of one request against the clock, and measures how far that of each engine is ahead.

    Args:
        now: The instant of receipt.
        max_skew: How far an event may be ahead of it.
    """

    def __init__(self, now: datetime, max_skew: timedelta) -> None:
        self._now = now
        self._max_skew = max_skew
        self.skews: dict[EngineKey, timedelta] = {}

    def check(self, event: Event, index: int) -> RejectedEvent | None:
        """Return the rejection of an event that is too far ahead."""
        if not runs_on_clock(event):
            return None
        ahead = max(event.occurred_at - self._now, NONE)
        key = EngineKey(event.environment.value, event.engine)
        self.skews[key] = max(ahead, self.skews.get(key, NONE))
        if ahead <= self._max_skew:
            return None
        return RejectedEvent(
            index=index,
            code=IN_THE_FUTURE,
            detail=f"occurred_at is {math.ceil(ahead.total_seconds())} s ahead of the service's clock; check the "
            "sender's clock and time zone, or send environment=replay for event time",
            retry_after_seconds=(ahead - self._max_skew).total_seconds(),
        )

    def limited(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """Return the events with none after the instant of receipt, in the same order of time.

        An event that stayed ahead would hide the ones that arrive after it. What was sent is kept as `sent_at`.
        """
        instants = sorted({event.occurred_at for event in events if runs_on_clock(event)}, reverse=True)
        limits: dict[datetime, datetime] = {}
        limit = self._now
        for instant in instants:
            if instant <= limit:
                break
            limits[instant] = limit
            limit -= RESOLUTION
        return tuple(self._limited(event, limits) for event in events)

    def _limited(self, event: Event, limits: dict[datetime, datetime]) -> Event:
        limit = limits.get(event.occurred_at) if runs_on_clock(event) else None
        if limit is not None:
            return event.model_copy(update={"occurred_at": limit, "sent_at": event.occurred_at})
        return event if event.sent_at is None else event.model_copy(update={"sent_at": None})
