"""Profit and loss of the recorded closed trades: totals, and the current UTC day."""

import threading
from dataclasses import dataclass
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
        self._trades = self._wins = 0
        self._pnl = self._day_pnl = ZERO
        self._day: date | None = None

    def add(self, pnl: Decimal, at: datetime) -> None:
        """Add one closed trade."""
        day = at.date()
        with self._lock:
            self._trades += 1
            self._wins += pnl > 0
            self._pnl += pnl
            self._day_pnl = pnl + (self._day_pnl if self._day == day else ZERO)
            self._day = day

    def totals(self) -> ClosedTradeTotals:
        """Return the sums so far."""
        with self._lock:
            return ClosedTradeTotals(self._trades, self._wins, self._pnl, self._day, self._day_pnl)

    def renew_lock(self) -> None:
        """Make a new lock, in a forked child."""
        self._lock = threading.Lock()
