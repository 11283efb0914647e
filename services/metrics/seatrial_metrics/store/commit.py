"""Writes a group of batches in one transaction: events, counters and equity advance together or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_metrics import ledger
from seatrial_metrics.batches import EventBatch
from seatrial_metrics.deduplication import BatchResult, deduplicate
from seatrial_metrics.equity import absorb, advance, rewind
from seatrial_metrics.ledger import EquityChanges
from seatrial_metrics.off_loop import call
from seatrial_metrics.portfolio import PortfolioCurve, PortfolioOptions
from seatrial_metrics.store import clock_skews, counters, entries, equity, rates, restatements


@dataclass(frozen=True)
class CommittedGroup:
    """The last sequence of the ledger after a group, and the result of each of its batches."""

    sequence: int
    results: Sequence[BatchResult]


async def commit(
    session: AsyncSession, batches: Sequence[EventBatch], now: datetime, options: PortfolioOptions
) -> CommittedGroup:
    """Write a group of batches.

    Args:
        session: The transaction; the caller commits it.
        batches: The group, in order of arrival.
        now: The instant of receipt.
        options: The currency and the time zone of portfolios.
    """
    last = await entries.lock_head(session)
    new_batches = await entries.claim_batches(session, batches, now)
    stored_keys = await entries.stored_keys(session, batches)
    size = sum(len(batch.events) for batch in batches)
    dedup = await call(size, deduplicate, batches, new_batches, stored_keys)
    await entries.add_keys(session, dedup.keys, now)
    await entries.add_conflicts(session, dedup.conflicts, now)
    await clock_skews.save(session, batches, now)
    states = {
        environment: await equity.lock(session, environment, accounts, now)
        for environment, accounts in ledger.accounts_by_environment(dedup.events).items()
    }
    changes = await call(size, ledger.plan, batches, dedup, states, options)
    if dedup.events:
        await entries.insert_events(session, dedup.events, last + 1, now)
    for environment, change in changes.environments.items():
        await equity.add_totals(session, environment, change.accounts)
        if change.equity is not None:
            await _write_equity(session, environment, change.equity, options.zone, now)
    await counters.add(session, changes.counters, now)
    sequence = last + len(dedup.events)
    if dedup.events:
        await entries.move_head(session, sequence)
    return CommittedGroup(sequence, dedup.results)


async def _write_equity(
    session: AsyncSession, environment: str, changes: EquityChanges, zone: str, now: datetime
) -> None:
    stored, start = changes.books, changes.recompute_from
    await rates.add(session, environment, changes.rates_by_pair)
    portfolio = PortfolioCurve(changes.currency, zone)
    is_redefined = (stored.portfolio.currency, stored.portfolio.zone) != (portfolio.currency, portfolio.zone)
    if not stored.portfolio.begun:
        stored = replace(stored, portfolio=portfolio)
    elif is_redefined:
        start = await restatements.first_entry_at(session, environment)
    others = changes.currencies - stored.portfolio.priced
    newest = max([*(entry.at for entry in changes.entries), stored.portfolio.pending_at or now])
    earlier = await rates.last_before(session, environment, stored.portfolio.currency, others, newest)
    stored = replace(stored, portfolio=stored.portfolio.knowing(earlier))
    if start is None:
        books, history = await call(len(changes.entries), advance, stored, changes.entries, changes.rates)
    elif await restatements.is_long(session, environment, start):
        await restatements.request(session, environment, start, now)
        current = () if is_redefined else changes.rates
        late, books, history = await call(len(changes.entries), absorb, stored, changes.entries, current)
        await equity.add_entries(session, environment, late)
    else:
        await equity.add_entries(session, environment, changes.entries)
        stored = replace(stored, portfolio=portfolio) if is_redefined else stored
        around = await restatements.read_around(session, environment, stored, changes.currencies, start)
        rewound = rewind(stored, around, start)
        books, history = await call(len(around.entries), advance, rewound, around.entries, around.rates)
    books = replace(books, portfolio=books.portfolio.with_receipt(changes.books.portfolio, now))
    await equity.save_books(session, environment, books, now)
    await equity.save_states(session, environment, history, books.portfolio.currency)
