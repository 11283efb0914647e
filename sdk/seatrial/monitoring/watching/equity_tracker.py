"""The course of one account's equity as a monitor sees it: peak, deepest fall, start of the session."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from seatrial_core.figures import live


@dataclass(frozen=True)
class EquityTracker:
    """Where the equity came from.

    Args:
        opening: What the account began with.
        equity: The newest value.
        peak: The highest so far, the opening included.
        deepest_ratio: The deepest fall from the peak so far, 0 to 1.
        session_day: The current UTC day.
        session_start: Equity when it began.
    """

    opening: float
    equity: float
    peak: float
    deepest_ratio: float
    session_day: date
    session_start: float

    @classmethod
    def begin(cls, opening: float, equity: float, session_start: float, now: datetime) -> "EquityTracker":
        """Return the course at its first observation."""
        before = cls(opening, opening, opening, 0.0, now.date(), session_start)
        return before.advance(equity, now)

    def advance(self, equity: float, now: datetime) -> "EquityTracker":
        """Return the course after one more observation."""
        start = self.session_start if now.date() == self.session_day else self.equity
        peak = max(self.peak, equity)
        fall = live.drawdown_ratio(equity, peak).value or 0.0
        deepest = max(self.deepest_ratio, min(1.0, fall))
        return replace(
            self, equity=equity, peak=peak, deepest_ratio=deepest, session_day=now.date(), session_start=start
        )

    @property
    def pnl(self) -> float:
        """Return profit or loss since the opening."""
        return self.equity - self.opening

    @property
    def session_pnl(self) -> float:
        """Return profit or loss of the current day."""
        return self.equity - self.session_start
