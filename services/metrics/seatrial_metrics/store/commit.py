"""Writes a group of batches in one transaction: events, counters and equity advance together or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_metrics import ledger
from seatrial_metrics.batches import EventBatch
from seatrial_metrics.deduplication import BatchResult, deduplicate
from seatrial_metrics.equity import advance, rewind
from seatrial_metrics.ledger import EquityChanges
from seatrial_metrics.off_loop import call
from seatrial_metrics.store import counters, entries, equity


@dataclass(frozen=True)
class CommittedGroup:
    """The last sequence of the ledger after a group, and the result of each of its batches."""

    sequence: int
    results: Sequence[BatchResult]


async def commit(session: AsyncSession, batches: Sequence[EventBatch], now: datetime) -> CommittedGroup:
    """Write a group of batches.

    Args:
        session: The transaction; the caller commits it.
        batches: The group, in order of arrival.
        now: The instant of receipt.
    """
    last = await entries.lock_head(session)
    new_batches = await entries.claim_batches(session, batches, now)
    new_keys = await entries.claim_keys(session, batches, now)
    size = sum(len(batch.events) for batch in batches)
    dedup = await call(size, deduplicate, batches, new_batches, new_keys)
    states = {
        environment: await equity.lock(session, environment, accounts, now)
        for environment, accounts in ledger.accounts_by_environment(dedup.events).items()
    }
    changes = await call(size, ledger.plan, batches, dedup, states)
    if dedup.events:
        await entries.insert_events(session, dedup.events, last + 1, now)
    for environment, change in changes.environments.items():
        await equity.add_totals(session, environment, change.accounts)
        if change.equity is not None:
            await _write_equity(session, environment, change.equity, now)
    await counters.add(session, changes.counters, now)
    sequence = last + len(dedup.events)
    if dedup.events:
        await entries.move_head(session, sequence)
    return CommittedGroup(sequence, dedup.results)


async def _write_equity(session: AsyncSession, environment: str, changes: EquityChanges, now: datetime) -> None:
    books, marks = changes.books, changes.marks
    if changes.recompute_from is not None:
        stored = await equity.read_around(session, environment, books, changes.recompute_from)
        marks = [*stored.marks, *marks]
        books = await call(len(marks), rewind, books, stored, changes.recompute_from)
    books, history = await call(len(marks), advance, books, marks)
    await equity.save(session, environment, books, history, now)
