"""The books of accounts and portfolios: equity points go in, levels come out, whatever the order and the batches."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Context, Decimal, localcontext

from seatrial_core.figures import live

ZERO = Decimal(0)
# Sums of numbers between 1e-18 and 1e20 must be exact, or they would depend on the order of summing.
EXACT = Context(prec=80)


@dataclass(frozen=True)
class EquityState:
    """Where an equity curve stands after an instant.

    Args:
        equity: What all members are worth.
        peak: The highest equity so far, shifted by what joined later.
        max_drawdown_ratio: The deepest fall from the peak so far, 0 to 1.
        base: What the members began with; equity - base is the profit.
        session_day: The UTC day of the newest point; None before the first.
        session_start_equity: Equity at the end of the day before, plus what joined since.
        members: How many accounts have reported at least once.
    """

    equity: Decimal = ZERO
    peak: Decimal = ZERO
    max_drawdown_ratio: Decimal = ZERO
    base: Decimal = ZERO
    session_day: date | None = None
    session_start_equity: Decimal = ZERO
    members: int = 0

    def step(self, step: "EquityChange") -> "EquityState":
        """Return the level after a complete instant."""
        with localcontext(EXACT):
            return self._step(step)

    def _step(self, step: "EquityChange") -> "EquityState":
        day = step.at.date()
        start = self.session_start_equity if day == self.session_day else self.equity
        equity = self.equity + step.change
        # New money lifts the peak with the equity: a deposit neither hides nor makes a drawdown.
        peak = max(self.peak + step.joined, equity)
        drawdown = Decimal(repr(live.drawdown_ratio(equity, peak).or_zero()))
        return EquityState(
            equity=equity,
            peak=peak,
            max_drawdown_ratio=max(self.max_drawdown_ratio, drawdown),
            base=self.base + step.joined,
            session_day=day,
            session_start_equity=start + step.joined,
            members=self.members + step.joining,
        )


@dataclass(frozen=True)
class EquityChange:
    """What one instant brings: the change of equity (with what joined), the part that joined, who reported."""

    at: datetime
    change: Decimal
    joined: Decimal = ZERO
    joining: int = 0
    reported: int = 0


@dataclass(frozen=True)
class EquityCurve:
    """A level and the newest instant on top of it, which more reports of the same instant may still change."""

    before: EquityState = EquityState()
    pending: EquityChange | None = None

    @property
    def now(self) -> EquityState:
        """Return the level with the newest instant as far as it is known."""
        return self.before if self.pending is None else self.before.step(self.pending)

    @property
    def begun(self) -> bool:
        """Tell whether any point has been added."""
        return self.pending is not None or self.before.session_day is not None

    @property
    def complete(self) -> bool:
        """Tell whether every member has reported at the newest instant."""
        return self.pending is None or self.pending.reported >= self.now.members

    def add(self, step: EquityChange) -> "EquityCurve":
        """Return the curve with one more report, which must not lie before the newest instant."""
        pending = self.pending
        if pending is None or step.at > pending.at:
            return EquityCurve(before=self.now, pending=step)
        assert step.at == pending.at, "points are sorted by time before they are added"
        return replace(
            self,
            pending=EquityChange(
                at=step.at,
                change=pending.change + step.change,
                joined=pending.joined + step.joined,
                joining=pending.joining + step.joining,
                reported=pending.reported + step.reported,
            ),
        )


@dataclass(frozen=True)
class EquityMark:
    """One account marked to market at one instant."""

    account: str
    at: datetime
    equity: Decimal
    cash: Decimal | None = None
    open_positions: int | None = None
    risk_at_stop: Decimal | None = None


@dataclass(frozen=True)
class AccountEquity:
    """One account: where it began, its curve, its newest point."""

    name: str
    currency: str = "USD"
    opening_balance: Decimal | None = None
    opened_at: datetime | None = None
    first_equity_at: datetime | None = None
    curve: EquityCurve = EquityCurve()
    newest: EquityMark | None = None

    def open(self, balance: Decimal, currency: str, at: datetime) -> "AccountEquity":
        """Return the account with an opening balance; the earliest one counts."""
        if self.opened_at is not None and self.opened_at <= at:
            return self
        return replace(self, opening_balance=balance, currency=currency, opened_at=at)

    def mark(self, point: EquityMark) -> tuple["AccountEquity", EquityChange]:
        """Return the account after a point, and what the point changes in every curve that holds the account."""
        latest = self.curve.now.equity
        again = self.curve.pending is not None and self.curve.pending.at == point.at
        joins = not self.curve.begun
        joined = ZERO
        if joins:
            joined = point.equity if self.opening_balance is None else self.opening_balance
        elif again and self.opening_balance is None and self.curve.before.session_day is None:
            joined = point.equity - latest  # a correction of the very first point moves where the account began
        step = EquityChange(point.at, point.equity - latest, joined, int(joins), int(not again))
        first = point.at if joins else self.first_equity_at
        return replace(self, curve=self.curve.add(step), newest=point, first_equity_at=first), step


@dataclass(frozen=True)
class EquityBooks:
    """The accounts of one environment that matter now, and their portfolio."""

    accounts: Mapping[str, AccountEquity] = field(default_factory=dict)
    portfolio: EquityCurve = EquityCurve()


@dataclass(frozen=True)
class EquityHistory:
    """The levels that a run of points led through: by (account, instant), and by instant for the portfolio."""

    points: Mapping[tuple[str, datetime], tuple[EquityMark, EquityState]]
    portfolio: Mapping[datetime, EquityState]


def advance(books: EquityBooks, points: Iterable[EquityMark]) -> tuple[EquityBooks, EquityHistory]:
    """Return the books after points, and the levels on the way.

    Args:
        books: The books before; every account named by a point may be missing.
        points: None of them before the newest instant of its account or of the portfolio; see `rewind_to`.
    """
    accounts = dict(books.accounts)
    portfolio = books.portfolio
    levels: dict[tuple[str, datetime], tuple[EquityMark, EquityState]] = {}
    steps: dict[datetime, EquityState] = {}
    with localcontext(EXACT):
        for point in sorted(points, key=lambda point: point.at):
            account, step = accounts.get(point.account, AccountEquity(point.account)).mark(point)
            accounts[point.account] = account
            portfolio = portfolio.add(step)
            levels[point.account, point.at] = (point, account.curve.now)
            steps[point.at] = portfolio.now
    return EquityBooks(accounts, portfolio), EquityHistory(levels, steps)


def recompute_from(books: EquityBooks, points: Iterable[EquityMark]) -> datetime | None:
    """Return the instant from which history must be told again, or None when every point is news.

    A point before the newest instant of the portfolio changes what came after it.
    """
    newest = books.portfolio.pending
    first = min((point.at for point in points), default=None)
    return first if newest is not None and first is not None and first < newest.at else None
