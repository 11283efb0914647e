"""Equity of accounts and portfolios: their state does not depend on the order or the batches of the entries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, localcontext
from itertools import groupby
from zoneinfo import ZoneInfo

from seatrial_core.decimals import EXACT
from seatrial_core.figures.equity import ZERO, EquityChange, EquityState
from seatrial_metrics.portfolio import PortfolioCurve, PortfolioState, Rate

DEFAULT_ZONE = "UTC"


@dataclass(frozen=True)
class EquityMark:
    """One account marked to market at one instant."""

    equity: Decimal
    at: datetime
    cash: Decimal | None = None
    open_positions: int | None = None
    risk_at_stop: Decimal | None = None


@dataclass(frozen=True)
class EquityEntry:
    """What an account reports at one instant; the opening of an account is an entry without amounts.

    Args:
        account: The account.
        at: The instant.
        mark: Its equity, which includes the flow.
        flow: Deposits less withdrawals.
        result: Profit of closed trades and other income, less fees; counts while the account has no mark.
    """

    account: str
    at: datetime
    mark: EquityMark | None = None
    flow: Decimal = ZERO
    result: Decimal = ZERO

    def plus(self, other: "EquityEntry") -> "EquityEntry":
        """Return both reports of one instant; the mark of `other` counts."""
        mark = self.mark if other.mark is None else other.mark
        return EquityEntry(self.account, self.at, mark, self.flow + other.flow, self.result + other.result)


@dataclass(frozen=True)
class AccountEquity:
    """One account: how it was opened, its states before and after its newest entry, and its newest mark."""

    name: str
    currency: str = "USD"
    zone: str = DEFAULT_ZONE
    opening_balance: Decimal | None = None
    opened_at: datetime | None = None
    first_entry_at: datetime | None = None
    before: EquityState = field(default_factory=EquityState)
    pending: EquityEntry | None = None
    now: EquityState = field(default_factory=EquityState)
    newest: EquityMark | None = None

    @property
    def begun(self) -> bool:
        """Return whether the equity of the account is known."""
        return self.now.session_day is not None

    @property
    def derived(self) -> bool:
        """Return whether equity comes from the opening balance and the results, because there is no mark."""
        return self.begun and not self.now.members

    def open(self, balance: Decimal, currency: str, zone: str, at: datetime) -> "AccountEquity":
        """Return the account with an opening balance; the earliest counts, of one instant the last one received."""
        if self.opened_at is not None and self.opened_at < at:
            return self
        return replace(self, opening_balance=balance, currency=currency, zone=zone, opened_at=at)

    def add(self, entry: EquityEntry) -> tuple["AccountEquity", EquityChange]:
        """Return the account after an entry, and what that changes for its portfolio.

        Args:
            entry: An entry that is not older than the newest one.
        """
        previous = None
        if self.pending is None or entry.at > self.pending.at:
            before = self.now
        else:
            assert entry.at == self.pending.at, "entries are sorted by time before they are added"
            before, previous = self.before, self._change(self.before, self.pending)
            entry = self.pending.plus(entry)
        change = self._change(before, entry)
        account = replace(
            self,
            before=before,
            pending=entry,
            now=before if change is None else before.apply(change, ZoneInfo(self.zone)),
            newest=self.newest if entry.mark is None else entry.mark,
            first_entry_at=min(self.first_entry_at or entry.at, entry.at),
        )
        change = change or EquityChange(entry.at)
        return account, change if previous is None else change.minus(previous)

    def rewound(self, state: EquityState, start: datetime) -> "AccountEquity":
        """Return the account as it was before an instant.

        Args:
            state: Its state before the instant.
            start: The instant.
        """
        newest = self.newest if self.newest is not None and self.newest.at < start else None
        return replace(self, before=state, pending=None, now=state, newest=newest)

    def _change(self, before: EquityState, entry: EquityEntry) -> EquityChange | None:
        # What happened before the opening balance was measured is part of it.
        counts = self.opened_at is None or entry.at >= self.opened_at
        flow = entry.flow if counts else ZERO
        capital = before.equity
        if before.session_day is None:
            if self.opening_balance is not None and (counts or entry.mark is not None):
                capital = self.opening_balance
                flow += capital
            elif entry.mark is not None:
                capital = flow = entry.mark.equity
            else:
                return None
        equity = before.equity + flow
        if entry.mark is not None:
            return EquityChange(entry.at, flow, entry.mark.equity - equity, int(not before.members), reported=1)
        return EquityChange(entry.at, flow, entry.result if counts and not before.members else ZERO)


@dataclass(frozen=True)
class EquityBooks:
    """The accounts of one environment that a transaction changes, and their portfolio."""

    accounts: Mapping[str, AccountEquity] = field(default_factory=dict)
    portfolio: PortfolioCurve = field(default_factory=PortfolioCurve)


@dataclass(frozen=True)
class EquityHistory:
    """The states that entries led through: by (account, instant), and by instant for the portfolio."""

    points: Mapping[tuple[str, datetime], tuple[EquityEntry, EquityState]]
    portfolio: Mapping[datetime, PortfolioState]


@dataclass(frozen=True)
class StoredEquity:
    """The stored equity around an instant.

    Args:
        entries: Every entry from the instant on.
        rates: Every exchange rate from the instant on.
        accounts: The accounts of those entries.
        states: The last state of each account before the instant; an account without one is missing.
        portfolio: The last state of the portfolio before the instant.
    """

    entries: Sequence[EquityEntry]
    rates: Sequence[Rate]
    accounts: Mapping[str, AccountEquity]
    states: Mapping[str, EquityState]
    portfolio: PortfolioState = field(default_factory=PortfolioState)


def advance(
    books: EquityBooks, entries: Iterable[EquityEntry], rates: Iterable[Rate] = ()
) -> tuple[EquityBooks, EquityHistory]:
    """Return the books after entries and exchange rates, and the states on the way.

    Args:
        books: The books before; an account that an entry names may be missing.
        entries: In any order, none older than the newest of its account or of the portfolio; see `rewind`.
        rates: Exchange rates, likewise.
    """
    accounts = dict(books.accounts)
    portfolio = books.portfolio
    points: dict[tuple[str, datetime], tuple[EquityEntry, EquityState]] = {}
    portfolio_states: dict[datetime, PortfolioState] = {}
    inputs: list[EquityEntry | Rate] = [*rates, *entries]
    with localcontext(EXACT):
        for at, instant in groupby(sorted(inputs, key=lambda one: one.at), key=lambda one: one.at):
            for one in instant:
                if isinstance(one, Rate):
                    portfolio = portfolio.add_rate(one)
                    continue
                account, change = accounts.get(one.account, AccountEquity(one.account)).add(one)
                accounts[one.account] = account
                assert account.pending is not None, "an entry was just added"
                points[one.account, at] = (account.pending, account.now)
                if account.begun:
                    portfolio = portfolio.add(change, account.currency)
            if portfolio.pending_at == at:
                portfolio_states[at] = portfolio.now
    return EquityBooks(accounts, portfolio), EquityHistory(points, portfolio_states)


def absorb(
    books: EquityBooks, entries: Iterable[EquityEntry], rates: Iterable[Rate] = ()
) -> tuple[Sequence[EquityEntry], EquityBooks, EquityHistory]:
    """Return the books after what is new, and the late entries that a restatement adds later.

    The present stays known meanwhile: an entry that is the newest of its account, and not of the portfolio, changes
    the portfolio's newest instant.

    Args:
        books: The books before.
        entries: In any order.
        rates: Exchange rates, likewise.
    """
    newest = books.portfolio.pending_at
    accounts, portfolio = dict(books.accounts), books.portfolio
    points: dict[tuple[str, datetime], tuple[EquityEntry, EquityState]] = {}
    late: list[EquityEntry] = []
    fresh: list[EquityEntry] = []
    for entry in sorted(entries, key=lambda entry: entry.at):
        account = accounts.get(entry.account, AccountEquity(entry.account))
        if newest is None or entry.at >= newest:
            fresh.append(entry)
        elif account.pending is not None and entry.at < account.pending.at:
            late.append(entry)
        else:
            account, change = account.add(entry)
            accounts[entry.account] = account
            assert account.pending is not None, "an entry was just added"
            points[entry.account, entry.at] = (account.pending, account.now)
            if account.begun:
                portfolio = portfolio.add(replace(change, at=newest), account.currency)
    current = [rate for rate in rates if newest is None or rate.at >= newest]
    books, history = advance(EquityBooks(accounts, portfolio), fresh, current)
    return late, books, replace(history, points={**points, **history.points})


def recompute_from(books: EquityBooks, entries: Iterable[EquityEntry], rates: Iterable[Rate] = ()) -> datetime | None:
    """Return the earliest instant to recompute, or None if everything is at or after the newest instant."""
    late = [entry.at for entry in entries if _is_late(books, entry)]
    newest = books.portfolio.pending_at
    late += [rate.at for rate in rates if newest is not None and rate.at < newest]
    return min(late, default=None)


def rewind(books: EquityBooks, stored: StoredEquity, start: datetime) -> EquityBooks:
    """Return the books as they were before `start`; `advance` with the stored entries brings them back.

    Args:
        books: The books of the transaction, with its opening balances.
        stored: The stored equity around `start`.
        start: The earliest instant to recompute.
    """
    accounts = {**stored.accounts, **books.accounts}
    return EquityBooks(
        {name: _rewind_account(account, stored, start) for name, account in accounts.items()},
        books.portfolio.rewound(stored.portfolio),
    )


def _is_late(books: EquityBooks, entry: EquityEntry) -> bool:
    account = books.accounts.get(entry.account)
    own = None if account is None or account.pending is None else account.pending.at
    return any(newest is not None and entry.at < newest for newest in (own, books.portfolio.pending_at))


def _rewind_account(account: AccountEquity, stored: StoredEquity, start: datetime) -> AccountEquity:
    if account.pending is None or account.pending.at < start:
        return account
    return account.rewound(stored.states.get(account.name, EquityState()), start)
