"""The outbox in Postgres: what waits, what is being sent, what was refused."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.events import RejectedEvent
from seatrial_engine.domain.changes import Event
from seatrial_service.db.engine import EventOutboxRow, OutboxRejectedRow

BATCH_EVENTS = 2_000
BATCH_ROWS = 500


@dataclass(frozen=True)
class OutboxBatch:
    """Events that are sent under one number until they are acknowledged."""

    number: int
    events: Sequence[Event]


async def take(session: AsyncSession) -> OutboxBatch | None:
    """Return the parcel to send now: the one that was begun, else a new one of the oldest rows; None when empty.

    What is in a parcel never changes, so a parcel that is sent again is known by its number.
    """
    begun = select(func.min(EventOutboxRow.batch)).scalar_subquery()
    rows = (
        await session.scalars(select(EventOutboxRow).where(EventOutboxRow.batch == begun).order_by(EventOutboxRow.id))
    ).all()
    if not rows:
        rows = _fitting(
            (await session.scalars(select(EventOutboxRow).order_by(EventOutboxRow.id).limit(BATCH_ROWS))).all()
        )
        if not rows:
            return None
        chosen = update(EventOutboxRow).where(EventOutboxRow.id.in_([row.id for row in rows])).values(batch=rows[0].id)
        await session.execute(chosen.execution_options(synchronize_session=False))
    events: list[Event] = []
    for row in rows:
        events.extend(json.loads(row.events))
    return OutboxBatch(rows[0].id, events)


async def done(session: AsyncSession, parcel: OutboxBatch, rejected: Sequence[RejectedEvent], now: datetime) -> None:
    """Forget a parcel that was acknowledged, and keep what was refused of it."""
    await session.execute(delete(EventOutboxRow).where(EventOutboxRow.batch == parcel.number))
    if rejected:
        rows = [
            {
                "batch": parcel.number,
                "code": each.code,
                "detail": each.detail,
                "event": json.dumps(parcel.events[each.index]),
                "rejected_at": now,
            }
            for each in rejected
        ]
        await session.execute(insert(OutboxRejectedRow), rows)


async def pending(session: AsyncSession) -> int:
    """Return how many events wait."""
    return int((await session.execute(select(func.coalesce(func.sum(EventOutboxRow.count), 0)))).scalar_one())


async def refused(session: AsyncSession) -> int:
    """Return how many events were refused so far."""
    return int((await session.execute(select(func.count()).select_from(OutboxRejectedRow))).scalar_one())


def _fitting(rows: Sequence[EventOutboxRow]) -> Sequence[EventOutboxRow]:
    total = 0
    for number, row in enumerate(rows):
        total += row.count
        if number and total > BATCH_EVENTS:
            return rows[:number]
    return rows
