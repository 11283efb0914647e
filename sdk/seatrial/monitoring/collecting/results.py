"""What closed trades brought, as far as the recorded trades say it: totals and the current UTC day."""

import threading
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True)
class ClosedTradeTotals:
    """Sums over closed trades.

    Args:
        trades: How many closed with a known profit or loss.
        wins: How many of them won; zero is no win.
        pnl: Their summed profit or loss, net.
        day: The UTC day of the newest one.
        day_pnl: The sum of that day.
    """

    trades: int = 0
    wins: int = 0
    pnl: Decimal = ZERO
    day: date | None = None
    day_pnl: Decimal = ZERO


class TradeResults:
    """Adds up recorded profits and losses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = ClosedTradeTotals()

    def add(self, pnl: Decimal, at: datetime) -> None:
        """Add one closed trade."""
        day = at.date()
        with self._lock:
            before = self._closed
            self._closed = replace(
                before,
                trades=before.trades + 1,
                wins=before.wins + (pnl > 0),
                pnl=before.pnl + pnl,
                day=day,
                day_pnl=pnl + (before.day_pnl if before.day == day else ZERO),
            )

    def closed(self) -> ClosedTradeTotals:
        """Return the sums so far."""
        return self._closed

    def forget_lock(self) -> None:
        """Make a new lock, in a forked child."""
        self._lock = threading.Lock()
