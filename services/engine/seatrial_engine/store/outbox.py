"""The outbox in Postgres: events that wait, the batch that is being sent, and the events that were rejected."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.events import IN_THE_FUTURE, RejectedEvent
from seatrial_engine.domain.changes import Event
from seatrial_service.db.engine import EventOutboxRow, OutboxRejectedRow

MAX_BATCH_EVENTS = 2_000
MAX_BATCH_ROWS = 500


@dataclass(frozen=True)
class OutboxBatch:
    """Events that are sent under one number until they are acknowledged; `holds` counts how often some came back."""

    number: int
    events: Sequence[Event]
    holds: int = 0

    @property
    def key(self) -> str:
        """Return the number as the receiver knows it: the events that came back are a batch with a new number."""
        return f"{self.number}.{self.holds}" if self.holds else str(self.number)


async def take(session: AsyncSession, max_rows: int = MAX_BATCH_ROWS) -> OutboxBatch | None:
    """Return the batch to send: the one already begun, else a new one of the oldest rows; None when empty.

    The content of a batch never changes, so the receiver recognises a repeated one by its number.

    Args:
        session: The transaction.
        max_rows: How many rows a new batch may have.
    """
    begun = select(func.min(EventOutboxRow.batch)).scalar_subquery()
    rows = (
        await session.scalars(select(EventOutboxRow).where(EventOutboxRow.batch == begun).order_by(EventOutboxRow.id))
    ).all()
    if not rows:
        rows = await _begin(session, max_rows)
    if not rows:
        return None
    return OutboxBatch(rows[0].id, [event for row in rows for event in json.loads(row.events)], rows[0].holds)


async def complete(session: AsyncSession, batch: OutboxBatch, rejected: Sequence[RejectedEvent], now: datetime) -> None:
    """Delete an acknowledged batch. Of what was rejected, keep the events of the future first in the outbox, and store
    the others.
    """
    await session.execute(delete(EventOutboxRow).where(EventOutboxRow.batch == batch.number))
    of_the_future = [batch.events[rejection.index] for rejection in rejected if rejection.code == IN_THE_FUTURE]
    if of_the_future:
        row = {
            "id": batch.number,
            "count": len(of_the_future),
            "events": json.dumps(of_the_future),
            "holds": batch.holds + 1,
        }
        await session.execute(insert(EventOutboxRow), [row])
    rejected = [rejection for rejection in rejected if rejection.code != IN_THE_FUTURE]
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


async def held(session: AsyncSession) -> int:
    """Return the number of events that wait because their time is ahead of the receiver's clock."""
    total = func.coalesce(func.sum(EventOutboxRow.count), 0)
    return int((await session.execute(select(total).where(EventOutboxRow.holds > 0))).scalar_one())


async def rejected(session: AsyncSession) -> int:
    """Return the number of events that were rejected so far."""
    return int((await session.execute(select(func.count()).select_from(OutboxRejectedRow))).scalar_one())


async def _begin(session: AsyncSession, max_rows: int) -> Sequence[EventOutboxRow]:
    oldest = select(EventOutboxRow).order_by(EventOutboxRow.id).limit(max_rows)
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
