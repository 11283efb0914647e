"""Which instant the risk limits go by, and the equity of earlier days and of the last 24 hours."""

import json
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from seatrial_core.contracts.clock import Clock

MAX_JUMP_SECONDS = 5.0
CONFIRM_SECONDS = 60.0
ROLLING = timedelta(hours=24)
BUCKET_SECONDS = 900
MAX_DAYS = 7
MAX_POINTS = 200


@dataclass(frozen=True)
class DayEquity:
    """What the loss limits of an account compare its equity with.

    Args:
        starts: The equity at the start of the last known sessions, by UTC day.
        points: Equity over the last 24 hours, one point per quarter of an hour, and the one before them.
    """

    starts: Mapping[date, Decimal] = field(default_factory=dict)
    points: tuple[tuple[datetime, Decimal], ...] = ()

    def opened(self, day: date, equity: Decimal) -> "DayEquity":
        """Return the history with the start of a session; the sessions after it were opened by a wrong clock."""
        starts = {other: start for other, start in self.starts.items() if other < day}
        newest = sorted({**starts, day: equity}.items())[-MAX_DAYS:]
        return DayEquity(dict(newest), self.points)

    def with_point(self, at: datetime, equity: Decimal) -> "DayEquity":
        """Return the history with the equity after an instant."""
        if self.points and at < self.points[0][0]:
            return self  # a wrong date: as the oldest point it would be what all later equity is compared with
        points = list(self.points)
        place = bisect_right(points, at, key=lambda point: point[0])
        if place > 1 and _bucket(points[place - 1][0]) == _bucket(at):
            points[place - 1] = (at, equity)
        else:
            points.insert(place, (at, equity))
        while len(points) > 1 and points[1][0] <= at - ROLLING:
            points.pop(0)
        return DayEquity(self.starts, tuple(points[:MAX_POINTS]))

    def reference(self, at: datetime) -> Decimal | None:
        """Return the equity 24 hours before an instant, that of the first point if there is none so old."""
        older = [equity for moment, equity in self.points if moment <= at - ROLLING]
        if older:
            return older[-1]
        return self.points[0][1] if self.points else None

    def to_json(self) -> str:
        """Return the history as text."""
        starts = {day.isoformat(): str(equity) for day, equity in self.starts.items()}
        points = [[at.isoformat(), str(equity)] for at, equity in self.points]
        return json.dumps({"starts": starts, "points": points}, separators=(",", ":"))

    @classmethod
    def from_json(cls, stored: str | None) -> "DayEquity":
        """Return the stored history; an account of an earlier version has none."""
        if not stored:
            return cls()
        document = json.loads(stored)
        return cls(
            {date.fromisoformat(day): Decimal(equity) for day, equity in document["starts"].items()},
            tuple((datetime.fromisoformat(at).astimezone(UTC), Decimal(equity)) for at, equity in document["points"]),
        )


class SessionClock:
    """The time of a clock without its jumps ahead.

    One wrong date would open a session and forget the losses of the day. A jump of the wall clock that the monotonic
    clock did not make counts after it has lasted for a minute; a step back counts at once.

    Args:
        clock: The source of both times.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._anchor: tuple[datetime, float] | None = None
        self._jump: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """Return the instant that the limits go by."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        anchor = self._anchor or (now, monotonic)
        expected = _run_on(anchor, monotonic)
        if now <= expected + timedelta(seconds=MAX_JUMP_SECONDS):
            self._anchor, self._jump = (now, monotonic), None
            return now
        jump = self._jump
        if jump is None or abs((now - _run_on(jump, monotonic)).total_seconds()) > MAX_JUMP_SECONDS:
            jump = self._jump = (now, monotonic)
        if monotonic - jump[1] >= CONFIRM_SECONDS:
            self._anchor, self._jump = (now, monotonic), None
            return now
        return expected


def _run_on(start: tuple[datetime, float], monotonic: float) -> datetime:
    return start[0] + timedelta(seconds=monotonic - start[1])


def _bucket(at: datetime) -> int:
    return int(at.timestamp()) // BUCKET_SECONDS
