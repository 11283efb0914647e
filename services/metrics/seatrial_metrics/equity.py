"""Equity books of accounts and portfolios: their state does not depend on the order or the batches of the marks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, localcontext

from seatrial_core.decimals import EXACT
from seatrial_core.figures.equity import ZERO, EquityChange, EquityState


@dataclass(frozen=True)
class EquityCurve:
    """A state, and the newest instant after it, which further reports of the same instant may still change."""

    before: EquityState = field(default_factory=EquityState)
    pending: EquityChange | None = None

    @property
    def now(self) -> EquityState:
        """Return the state with the reports of the newest instant so far."""
        return self.before if self.pending is None else self.before.apply(self.pending)

    @property
    def begun(self) -> bool:
        """Return whether any mark has been added."""
        return self.pending is not None or self.before.session_day is not None

    @property
    def complete(self) -> bool:
        """Return whether every member has reported at the newest instant."""
        return self.pending is None or self.pending.reported >= self.now.members

    def add(self, change: EquityChange) -> "EquityCurve":
        """Return the curve with one more report, which must not be older than the newest instant."""
        pending = self.pending
        if pending is None or change.at > pending.at:
            return EquityCurve(before=self.now, pending=change)
        assert change.at == pending.at, "marks are sorted by time before they are added"
        return replace(
            self,
            pending=EquityChange(
                at=change.at,
                change=pending.change + change.change,
                joined=pending.joined + change.joined,
                joining=pending.joining + change.joining,
                reported=pending.reported + change.reported,
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
    """One account: its opening balance, its curve, its newest mark."""

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

    def mark(self, mark: EquityMark) -> tuple["AccountEquity", EquityChange]:
        """Return the account after a mark, and the change of every curve that includes the account."""
        latest = self.curve.now.equity
        again = self.curve.pending is not None and self.curve.pending.at == mark.at
        joins = not self.curve.begun
        joined = ZERO
        if joins:
            joined = mark.equity if self.opening_balance is None else self.opening_balance
        elif again and self.opening_balance is None and self.curve.before.session_day is None:
            joined = mark.equity - latest  # a correction of the very first mark moves the account's capital
        change = EquityChange(mark.at, mark.equity - latest, joined, int(joins), int(not again))
        first = mark.at if joins else self.first_equity_at
        return replace(self, curve=self.curve.add(change), newest=mark, first_equity_at=first), change


@dataclass(frozen=True)
class EquityBooks:
    """The accounts of one environment that a transaction changes, and their portfolio."""

    accounts: Mapping[str, AccountEquity] = field(default_factory=dict)
    portfolio: EquityCurve = EquityCurve()


@dataclass(frozen=True)
class EquityHistory:
    """The states that marks led through: by (account, instant), and by instant for the portfolio."""

    points: Mapping[tuple[str, datetime], tuple[EquityMark, EquityState]]
    portfolio: Mapping[datetime, EquityState]


@dataclass(frozen=True)
class StoredEquity:
    """The stored equity around an instant.

    Args:
        marks: Every mark from the instant on.
        accounts: The accounts of those marks.
        states: The last state of each account before the instant; an account without one is missing.
        portfolio: The last state of the portfolio before the instant.
    """

    marks: Sequence[EquityMark]
    accounts: Mapping[str, AccountEquity]
    states: Mapping[str, EquityState]
    portfolio: EquityState = field(default_factory=EquityState)


def advance(books: EquityBooks, marks: Iterable[EquityMark]) -> tuple[EquityBooks, EquityHistory]:
    """Return the books after marks, and the states on the way.

    Args:
        books: The books before; an account that a mark names may be missing.
        marks: In any order, none older than the newest instant of its account or of the portfolio; see `rewind`.
    """
    accounts = dict(books.accounts)
    portfolio = books.portfolio
    points: dict[tuple[str, datetime], tuple[EquityMark, EquityState]] = {}
    portfolio_states: dict[datetime, EquityState] = {}
    with localcontext(EXACT):
        for mark in sorted(marks, key=lambda mark: mark.at):
            account, change = accounts.get(mark.account, AccountEquity(mark.account)).mark(mark)
            accounts[mark.account] = account
            portfolio = portfolio.add(change)
            points[mark.account, mark.at] = (mark, account.curve.now)
            portfolio_states[mark.at] = portfolio.now
    return EquityBooks(accounts, portfolio), EquityHistory(points, portfolio_states)


def recompute_from(books: EquityBooks, marks: Iterable[EquityMark]) -> datetime | None:
    """Return the earliest instant to recompute, or None if every mark is at or after the portfolio's newest."""
    newest = books.portfolio.pending
    first = min((mark.at for mark in marks), default=None)
    return first if newest is not None and first is not None and first < newest.at else None


def rewind(books: EquityBooks, stored: StoredEquity, start: datetime) -> EquityBooks:
    """Return the books as they were before `start`; `advance` with the stored marks brings them back.

    Args:
        books: The books of the transaction, with its opening balances.
        stored: The stored equity around `start`.
        start: The earliest instant to recompute.
    """
    accounts = {**stored.accounts, **books.accounts}
    return EquityBooks(
        {name: _rewind_account(account, stored, start) for name, account in accounts.items()},
        EquityCurve(stored.portfolio),
    )


def _rewind_account(account: AccountEquity, stored: StoredEquity, start: datetime) -> AccountEquity:
    pending = account.curve.pending
    if pending is None or pending.at < start:
        return account
    return replace(account, curve=EquityCurve(stored.states.get(account.name, EquityState())))
