"""Plans the changes that a group of batches makes to the ledger, from the stored state."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from seatrial_core.contracts.events import AccountEvent, EquityEvent, Event
from seatrial_metrics.batches import EventBatch
from seatrial_metrics.counters import ClosedCount, CounterChanges, Family, count_events
from seatrial_metrics.deduplication import DedupResult
from seatrial_metrics.equity import AccountEquity, EquityBooks, EquityMark, recompute_from


@dataclass(frozen=True)
class EnvironmentState:
    """The stored state of the accounts of one environment that a group touches.

    Args:
        books: Their equity and that of the portfolio.
        last_occurred_at: When the newest event of each account occurred; an account without events is missing.
    """

    books: EquityBooks = field(default_factory=EquityBooks)
    last_occurred_at: Mapping[str, datetime] = field(default_factory=dict)


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
        books: The books with the opening balances of the group, before its marks.
        marks: The marks of the group, in order of arrival.
        recompute_from: The earliest instant to recompute, or None if every mark is new.
    """

    books: EquityBooks
    marks: Sequence[EquityMark]
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


def plan(batches: Sequence[EventBatch], dedup: DedupResult, states: Mapping[str, EnvironmentState]) -> LedgerChanges:
    """Return what a group of batches changes.

    Args:
        batches: The group, in order of arrival.
        dedup: Its new and repeated events.
        states: The stored state of every environment with a new event.
    """
    counters = count_events(dedup.events)
    for event in dedup.repeated:
        counters.count(event.environment.value, Family.EVENTS, event.type, "duplicate")
    for batch in batches:
        for rejection in batch.rejected:
            counters.count("", Family.DROPPED, rejection.code)
    by_environment: dict[str, list[Event]] = {environment: [] for environment in states}
    for event in dedup.events:
        by_environment[event.environment.value].append(event)
    environments = {
        environment: EnvironmentChanges(
            _account_changes(environment, events, states[environment].last_occurred_at, counters),
            _equity_changes(states[environment].books, events),
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


def _equity_changes(stored: EquityBooks, events: Sequence[Event]) -> EquityChanges | None:
    books, reopened_at = _open_accounts(stored, [event for event in events if isinstance(event, AccountEvent)])
    marks = [
        EquityMark(event.account, event.occurred_at, event.equity, event.cash, event.open_positions, event.risk_at_stop)
        for event in events
        if isinstance(event, EquityEvent)
    ]
    if not marks and books == stored:
        return None
    starts = [start for start in (reopened_at, recompute_from(books, marks)) if start is not None]
    return EquityChanges(books, marks, min(starts, default=None))


def _open_accounts(books: EquityBooks, openings: Sequence[AccountEvent]) -> tuple[EquityBooks, datetime | None]:
    # An account that has marks already was opened with its first mark; its own opening balance changes all of them.
    accounts = dict(books.accounts)
    starts: list[datetime] = []
    for event in openings:
        account = accounts.get(event.account, AccountEquity(event.account))
        opened = account.open(event.opening_balance, event.currency, event.occurred_at)
        if opened.opening_balance != account.opening_balance and account.first_equity_at is not None:
            starts.append(account.first_equity_at)
        accounts[event.account] = opened
    return EquityBooks(accounts, books.portfolio), min(starts, default=None)
