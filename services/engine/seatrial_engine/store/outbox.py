"""The outbox in Postgres: events that wait, the batch that is being sent, and the events that were rejected."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.events import RejectedEvent
from seatrial_engine.domain.changes import Event
from seatrial_service.db.engine import EventOutboxRow, OutboxRejectedRow

MAX_BATCH_EVENTS = 2_000
MAX_BATCH_ROWS = 500


@dataclass(frozen=True)
class OutboxBatch:
    """Events that are sent under one number until they are acknowledged."""

    number: int
    events: Sequence[Event]


async def take(session: AsyncSession) -> OutboxBatch | None:
    """Return the batch to send: the one already begun, else a new one of the oldest rows; None when empty.

    The content of a batch never changes, so the receiver recognises a repeated one by its number.
    """
    begun = select(func.min(EventOutboxRow.batch)).scalar_subquery()
    rows = (
        await session.scalars(select(EventOutboxRow).where(EventOutboxRow.batch == begun).order_by(EventOutboxRow.id))
    ).all()
    if not rows:
        rows = await _begin(session)
    if not rows:
        return None
    return OutboxBatch(rows[0].id, [event for row in rows for event in json.loads(row.events)])


async def complete(session: AsyncSession, batch: OutboxBatch, rejected: Sequence[RejectedEvent], now: datetime) -> None:
    """Delete an acknowledged batch, and store the events of it that were rejected."""
    await session.execute(delete(EventOutboxRow).where(EventOutboxRow.batch == batch.number))
    if rejected:
        rows = [
            {
                "batch": batch.number,
                "code": rejection.code,
                "detail": rejection.detail,
                "event": json.dumps(batch.events[rejection.index]),
                "rejected_at": now,
            }
            for rejection in rejected
        ]
        await session.execute(insert(OutboxRejectedRow), rows)


async def pending(session: AsyncSession) -> int:
    """Return the number of events that wait."""
    return int((await session.execute(select(func.coalesce(func.sum(EventOutboxRow.count), 0)))).scalar_one())


async def rejected(session: AsyncSession) -> int:
    """Return the number of events that were rejected so far."""
    return int((await session.execute(select(func.count()).select_from(OutboxRejectedRow))).scalar_one())


async def _begin(session: AsyncSession) -> Sequence[EventOutboxRow]:
    oldest = select(EventOutboxRow).order_by(EventOutboxRow.id).limit(MAX_BATCH_ROWS)
    rows = _within_batch((await session.scalars(oldest)).all())
    if rows:
        marked = update(EventOutboxRow).where(EventOutboxRow.id.in_([row.id for row in rows])).values(batch=rows[0].id)
        await session.execute(marked.execution_options(synchronize_session=False))
    return rows


def _within_batch(rows: Sequence[EventOutboxRow]) -> Sequence[EventOutboxRow]:
    total = 0
    for number, row in enumerate(rows):
        total += row.count
        if number and total > MAX_BATCH_EVENTS:
            return rows[:number]
    return rows
