"""Writes a group of batches in one transaction: ledger, counters and books advance together or not at all."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.events import AccountEvent, EquityEvent, Event
from seatrial_metrics import equity as pure_books
from seatrial_metrics.batches import EventBatch
from seatrial_metrics.counters import ClosedCount, CounterChanges, Family, tally
from seatrial_metrics.deduplication import BatchResult, DedupResult, deduplicate
from seatrial_metrics.equity import AccountEquity, EquityBooks, EquityMark
from seatrial_metrics.store import counters, entries, equity


@dataclass(frozen=True)
class Committed:
    """What a transaction did: the last sequence, and what became of each batch."""

    sequence: int
    taken: Sequence[BatchResult]


async def commit(session: AsyncSession, batches: Sequence[EventBatch], now: datetime) -> Committed:
    """Write a group of batches.

    Args:
        session: The transaction; the caller commits it.
        batches: The group, in order of arrival.
        now: The instant of receipt.
    """
    last = await entries.lock_head(session)
    choice = deduplicate(
        batches,
        await entries.claim_batches(session, batches, now),
        await entries.claim_keys(session, batches, now),
    )
    counted = tally(choice.events)
    if choice.events:
        await entries.insert_events(session, choice.events, last + 1, now)
        for environment, events in _by_environment(choice.events).items():
            await _keep_books(session, environment, events, counted, now)
    _count_outcomes(counted, batches, choice)
    await counters.add(session, counted, now)
    sequence = last + len(choice.events)
    if choice.events:
        await entries.move_head(session, sequence)
    return Committed(sequence, choice.taken)


def _by_environment(events: Sequence[Event]) -> dict[str, list[Event]]:
    sorted_out: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        sorted_out[event.environment.value].append(event)
    return dict(sorted(sorted_out.items()))


def _count_outcomes(counted: CounterChanges, batches: Sequence[EventBatch], choice: DedupResult) -> None:
    for event in choice.repeated:
        counted.count(event.environment.value, Family.EVENTS, event.type, "duplicate")
    for batch in batches:
        for refusal in batch.rejected:
            counted.count("", Family.DROPPED, refusal.code)


async def _keep_books(
    session: AsyncSession, environment: str, events: Sequence[Event], counted: CounterChanges, now: datetime
) -> None:
    names = sorted({event.account for event in events})
    before = await equity.lock(session, environment, names, now)
    newest = dict(await equity.newest_events(session, environment, names))
    late = _count_late(counted, environment, events, newest)
    for name in names:
        closed = counted.closed.get((environment, name), ClosedCount())
        await equity.count(session, environment, name, closed, late[name], newest[name])
    opened, reopened_at = _open(before, [event for event in events if isinstance(event, AccountEvent)])
    points = [
        EquityMark(event.account, event.occurred_at, event.equity, event.cash, event.open_positions, event.risk_at_stop)
        for event in events
        if isinstance(event, EquityEvent)
    ]
    if not points and opened == before:
        return
    starts = [at for at in (reopened_at, pure_books.recompute_from(opened, points)) if at is not None]
    stored: Sequence[EquityMark] = ()
    if starts:
        opened, stored = await equity.rewind(session, environment, opened, min(starts))
    after, history = pure_books.advance(opened, [*stored, *points])
    await equity.save(session, environment, after, history, now)


def _count_late(
    counted: CounterChanges, environment: str, events: Sequence[Event], newest: dict[str, datetime]
) -> dict[str, int]:
    """Count events older than the newest of their account, and move `newest` on."""
    late: dict[str, int] = defaultdict(int)
    for event in events:
        seen = newest.setdefault(event.account, event.occurred_at)
        is_late = event.occurred_at < seen
        late[event.account] += int(is_late)
        newest[event.account] = max(seen, event.occurred_at)
        counted.count(environment, Family.EVENTS, event.type, "late" if is_late else "accepted")
    return late


def _open(before: EquityBooks, openings: Sequence[AccountEvent]) -> tuple[EquityBooks, datetime | None]:
    """Return the books with openings, and from when history changes because an account had begun without its own."""
    accounts = dict(before.accounts)
    starts: list[datetime] = []
    for event in openings:
        account = accounts.get(event.account, AccountEquity(event.account))
        opened = account.open(event.opening_balance, event.currency, event.occurred_at)
        if opened.opening_balance != account.opening_balance and account.first_equity_at is not None:
            starts.append(account.first_equity_at)
        accounts[event.account] = opened
    return EquityBooks(accounts, before.portfolio), min(starts, default=None)
