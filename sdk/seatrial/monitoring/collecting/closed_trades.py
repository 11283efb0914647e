"""Profit and loss of the recorded closed trades: totals, and the current UTC day."""

import threading
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True)
class ClosedTradeTotals:
    """Sums over closed trades.

    Args:
        trades: Number of closed trades with a profit or loss.
        wins: How many of them have a profit above zero.
        pnl: Summed net profit or loss, in account currency.
        day: The UTC day of the newest trade; None before the first.
        day_pnl: The sum of that day.
    """

    trades: int = 0
    wins: int = 0
    pnl: Decimal = ZERO
    day: date | None = None
    day_pnl: Decimal = ZERO


class ClosedTrades:
    """Sums recorded profits and losses; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals = ClosedTradeTotals()

    def add(self, pnl: Decimal, at: datetime) -> None:
        """Add one closed trade."""
        day = at.date()
        with self._lock:
            before = self._totals
            self._totals = replace(
                before,
                trades=before.trades + 1,
                wins=before.wins + (pnl > 0),
                pnl=before.pnl + pnl,
                day=day,
                day_pnl=pnl + (before.day_pnl if before.day == day else ZERO),
            )

    def totals(self) -> ClosedTradeTotals:
        """Return the sums so far."""
        return self._totals

    def renew_lock(self) -> None:
        """Make a new lock, in a forked child."""
        self._lock = threading.Lock()
