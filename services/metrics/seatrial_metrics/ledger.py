"""Plans the changes that a group of batches makes to the ledger, from the stored state."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from seatrial_core.contracts.events import (
    AccountEvent,
    EquityEvent,
    Event,
    FeeEvent,
    FundingEvent,
    FxRateEvent,
    TradeEvent,
    TransferEvent,
)
from seatrial_metrics.batches import EventBatch
from seatrial_metrics.counters import ClosedCount, CounterChanges, Family, count_events
from seatrial_metrics.deduplication import DedupResult
from seatrial_metrics.equity import AccountEquity, EquityBooks, EquityEntry, EquityMark, recompute_from
from seatrial_metrics.portfolio import CurrencyPair, PortfolioOptions, Rate, rate_of


@dataclass(frozen=True)
class EnvironmentState:
    """The stored state of the accounts of one environment that a group touches.

    Args:
        books: Their equity and that of the portfolio.
        last_occurred_at: When the newest event of each account occurred; an account without events is missing.
        other_currencies: The currencies of the other accounts of the environment.
    """

    books: EquityBooks = field(default_factory=EquityBooks)
    last_occurred_at: Mapping[str, datetime] = field(default_factory=dict)
    other_currencies: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AccountChanges:
    """What a group adds to the totals of one account."""

    closed: ClosedCount
    late_events: int
    last_occurred_at: datetime


@dataclass(frozen=True)
class EquityChanges:
    """What a group changes in the equity of one environment.

    Args:
        books: The books with the opening balances of the group, before its entries.
        entries: The entries of the group, in order of arrival.
        rates: Its exchange rates.
        rates_by_pair: The same as they were sent, between any two currencies.
        currency: The currency of the portfolio from now on.
        currencies: The currencies of all accounts; the rates of others are stored and not used.
        recompute_from: The earliest instant to recompute, or None if everything is new.
    """

    books: EquityBooks
    entries: Sequence[EquityEntry]
    rates: Sequence[Rate]
    rates_by_pair: Sequence[FxRateEvent]
    currency: str
    currencies: frozenset[str]
    recompute_from: datetime | None


@dataclass(frozen=True)
class EnvironmentChanges:
    """What a group changes in one environment; `equity` is None if it changes no equity."""

    accounts: Mapping[str, AccountChanges]
    equity: EquityChanges | None


@dataclass(frozen=True)
class LedgerChanges:
    """Everything that a group changes next to the events themselves."""

    counters: CounterChanges
    environments: Mapping[str, EnvironmentChanges]


def accounts_by_environment(events: Iterable[Event]) -> Mapping[str, Sequence[str]]:
    """Return the accounts that events touch by environment, both sorted."""
    accounts: dict[str, set[str]] = defaultdict(set)
    for event in events:
        accounts[event.environment.value].add(event.account)
    return {environment: sorted(names) for environment, names in sorted(accounts.items())}


def plan(
    batches: Sequence[EventBatch],
    dedup: DedupResult,
    states: Mapping[str, EnvironmentState],
    options: PortfolioOptions,
) -> LedgerChanges:
    """Return what a group of batches changes.

    Args:
        batches: The group, in order of arrival.
        dedup: Its new, repeated and conflicting events.
        states: The stored state of every environment with a new event.
        options: The currency and the time zone of portfolios.
    """
    counters = count_events(dedup.events)
    for event in dedup.repeated:
        counters.count(event.environment.value, Family.EVENTS, event.type, "duplicate")
    for event in dedup.conflicts:
        counters.count(event.environment.value, Family.EVENTS, event.type, "conflict")
    for batch in batches:
        for rejection in batch.rejected:
            counters.count("", Family.DROPPED, rejection.code)
    by_environment: dict[str, list[Event]] = {environment: [] for environment in states}
    for event in dedup.events:
        by_environment[event.environment.value].append(event)
    environments = {
        environment: EnvironmentChanges(
            _account_changes(environment, events, states[environment].last_occurred_at, counters),
            _equity_changes(states[environment], events, options),
        )
        for environment, events in by_environment.items()
    }
    return LedgerChanges(counters, environments)


def _account_changes(
    environment: str, events: Sequence[Event], last_occurred_at: Mapping[str, datetime], counters: CounterChanges
) -> dict[str, AccountChanges]:
    newest = dict(last_occurred_at)
    late: Counter[str] = Counter()
    for event in events:
        previous = newest.setdefault(event.account, event.occurred_at)
        is_late = event.occurred_at < previous
        late[event.account] += is_late
        newest[event.account] = max(previous, event.occurred_at)
        counters.count(environment, Family.EVENTS, event.type, "late" if is_late else "accepted")
    return {
        account: AccountChanges(
            counters.closed.get((environment, account), ClosedCount()), late_events, newest[account]
        )
        for account, late_events in sorted(late.items())
    }


def _equity_changes(
    state: EnvironmentState, events: Sequence[Event], options: PortfolioOptions
) -> EquityChanges | None:
    stored = state.books
    books, reopened_at = _open_accounts(stored, [event for event in events if isinstance(event, AccountEvent)])
    entries = [entry for event in events if (entry := _entry(event, books)) is not None]
    pairs = [event for event in events if isinstance(event, FxRateEvent)]
    if not entries and not pairs and books == stored:
        return None
    currencies = {
        account.currency for account in books.accounts.values() if account.begun or account.opened_at is not None
    }
    currencies |= state.other_currencies | _new_currencies(books, entries)
    currency = options.currency_of(currencies)
    rates = [rate for pair in pairs if (rate := rate_of(_pair(pair), currency)) and rate.currency in currencies]
    starts = [start for start in (reopened_at, recompute_from(books, entries, rates)) if start is not None]
    return EquityChanges(books, entries, rates, pairs, currency, frozenset(currencies), min(starts, default=None))


def _entry(event: Event, books: EquityBooks) -> EquityEntry | None:
    match event:
        case AccountEvent():
            return EquityEntry(event.account, event.occurred_at)
        case EquityEvent():
            mark = EquityMark(event.equity, event.occurred_at, event.cash, event.open_positions, event.risk_at_stop)
            return EquityEntry(event.account, event.occurred_at, mark)
        case TransferEvent():
            return EquityEntry(event.account, event.occurred_at, flow=event.amount)
        case TradeEvent(pnl=pnl) if pnl is not None:
            return _result(event, pnl, books)
        case FundingEvent():
            return _result(event, event.amount, books)
        case FeeEvent():
            return _result(event, -event.amount, books)
        case _:
            return None


def _result(event: Event, amount: Decimal, books: EquityBooks) -> EquityEntry | None:
    # A result after a mark is part of the next mark; only the results before the first mark need to be kept.
    account = books.accounts.get(event.account, AccountEquity(event.account))
    if account.now.members and account.pending is not None and event.occurred_at >= account.pending.at:
        return None
    return EquityEntry(event.account, event.occurred_at, result=amount)


def _new_currencies(books: EquityBooks, entries: Iterable[EquityEntry]) -> set[str]:
    return {
        books.accounts.get(entry.account, AccountEquity(entry.account)).currency
        for entry in entries
        if entry.mark is not None
    }


def _pair(event: FxRateEvent) -> CurrencyPair:
    return CurrencyPair(event.base, event.quote, event.occurred_at, event.rate, event.source)


def _open_accounts(books: EquityBooks, openings: Sequence[AccountEvent]) -> tuple[EquityBooks, datetime | None]:
    # An account with entries began with the first of them; its opening balance changes all of its states.
    accounts = dict(books.accounts)
    starts: list[datetime] = []
    for event in openings:
        account = accounts.get(event.account, AccountEquity(event.account))
        opened = account.open(event.opening_balance, event.currency, event.session_zone, event.occurred_at)
        if opened != account and account.first_entry_at is not None:
            starts.append(min(account.first_entry_at, event.occurred_at))
        accounts[event.account] = opened
    return replace(books, accounts=accounts), min(starts, default=None)
