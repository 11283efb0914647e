"""The clock interface that code takes as an argument to read the time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """A source of time; tests and replays use their own."""

    def now(self) -> datetime:
        """Return the current instant as an aware UTC datetime."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        ...
