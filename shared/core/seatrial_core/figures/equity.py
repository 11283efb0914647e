"""The state of an equity curve: equity, peak, drawdown and session, updated one instant at a time."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, localcontext

from seatrial_core.decimals import EXACT
from seatrial_core.figures import live
from seatrial_core.figures.figure import Figure

ZERO = Decimal(0)


@dataclass(frozen=True)
class EquityChange:
    """The change of an equity curve at one instant.

    Args:
        at: The instant, aware.
        change: The change of equity in account currency, `joined` included.
        joined: The part of the change that is capital of accounts that report for the first time.
        joining: How many accounts report for the first time.
        reported: How many accounts have reported at this instant.
    """

    at: datetime
    change: Decimal
    joined: Decimal = ZERO
    joining: int = 0
    reported: int = 0


@dataclass(frozen=True)
class EquityState:
    """The state of an equity curve after an instant.

    Args:
        equity: The equity of all members, in account currency.
        peak: The highest equity so far, raised by capital that joined later.
        max_drawdown_ratio: The largest drawdown from the peak so far: 0 or more, above 1 only with negative equity.
        base: The capital of all members; equity - base is the profit.
        session_day: The UTC day of the last update; None before the first.
        session_start_equity: Equity at the end of the day before, plus capital that joined since.
        members: How many accounts have reported at least once.
    """

    equity: Decimal = ZERO
    peak: Decimal = ZERO
    max_drawdown_ratio: Decimal = ZERO
    base: Decimal = ZERO
    session_day: date | None = None
    session_start_equity: Decimal = ZERO
    members: int = 0

    @property
    def pnl(self) -> Decimal:
        """Return the profit or loss since the beginning."""
        return self.equity - self.base

    @property
    def session_pnl(self) -> Decimal:
        """Return the profit or loss of the current session."""
        return self.equity - self.session_start_equity

    @property
    def drawdown(self) -> Figure:
        """Return the drawdown from the peak as a ratio."""
        return live.drawdown_ratio(self.equity, self.peak)

    def apply(self, change: EquityChange) -> "EquityState":
        """Return the state after a complete instant."""
        with localcontext(EXACT):
            return self._apply(change)

    def mark(self, equity: Decimal, at: datetime) -> "EquityState":
        """Return the state after an instant at which the same members are worth `equity`."""
        with localcontext(EXACT):
            return self._apply(EquityChange(at, equity - self.equity))

    def _apply(self, change: EquityChange) -> "EquityState":
        day = change.at.date()
        start = self.session_start_equity if day == self.session_day else self.equity
        equity = self.equity + change.change
        # New capital raises the peak with the equity: a deposit neither hides nor makes a drawdown.
        peak = max(self.peak + change.joined, equity)
        drawdown = Decimal(repr(live.drawdown_ratio(equity, peak).or_zero()))
        return EquityState(
            equity=equity,
            peak=peak,
            max_drawdown_ratio=max(self.max_drawdown_ratio, drawdown),
            base=self.base + change.joined,
            session_day=day,
            session_start_equity=start + change.joined,
            members=self.members + change.joining,
        )
