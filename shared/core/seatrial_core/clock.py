"""Clocks; the only module that reads the time of the operating system."""

import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The wall clock of this machine."""

    def now(self) -> datetime:
        """Return the current instant as an aware UTC datetime."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()


class ManualClock:
    """A clock that moves only by `advance`; for tests, replays and simulations.

    Args:
        start: The first instant, an aware UTC datetime.
    """

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError(f"a clock needs an aware start, found {start!r}; add tzinfo=UTC")
        self._now = start.astimezone(UTC)
        self._elapsed_seconds = 0.0

    def now(self) -> datetime:
        """Return the current instant of this clock."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds moved so far."""
        return self._elapsed_seconds

    def advance(self, seconds: float) -> None:
        """Move the clock forward by a number of seconds (>= 0)."""
        if seconds < 0:
            raise ValueError(f"a clock only moves forward, found {seconds} seconds")
        self._now += timedelta(seconds=seconds)
        self._elapsed_seconds += seconds
