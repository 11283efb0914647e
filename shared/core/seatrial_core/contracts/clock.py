"""The clock as a seam: whoever needs the time is handed one of these."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tell the time; tests and replays bring their own."""

    def now(self) -> datetime:
        """Return the current instant as an aware UTC datetime."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        ...
