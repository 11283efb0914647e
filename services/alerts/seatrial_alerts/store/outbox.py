"""SQL of the notifications that wait, and of the attempts to deliver them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_shared.db.alerts import DeliveryRow, OutboxRow


async def enqueue(session: AsyncSession, body: Mapping[str, object], channel: str, status: str, now: datetime) -> None:
    """Put a notification in the outbox; one with the same key is there already."""
    await session.execute(
        upsert(OutboxRow)
        .values(
            key=body["key"],
            alert_id=body["alert_id"],
            channel=channel,
            body=dict(body),
            status=status,
            attempts=0,
            next_at=now,
            created_at=now,
        )
        .on_conflict_do_nothing()
    )


async def was_told(session: AsyncSession, alert_id: str) -> bool:
    """Tell whether any notification of an alert went out, or will."""
    query = select(OutboxRow.id).where(OutboxRow.alert_id == alert_id, OutboxRow.status != "suppressed").limit(1)
    return (await session.execute(query)).first() is not None


async def claim(session: AsyncSession, now: datetime, until: datetime, limit: int) -> Sequence[OutboxRow]:
    """Lease notifications that are due, of each (channel, alert) only the oldest that waits, so that order is kept."""
    found = await session.execute(
        text(
            """
            WITH due AS (
                SELECT o.id FROM alerts.outbox o
                WHERE o.status = 'waiting' AND o.next_at <= :now
                  AND (o.leased_until IS NULL OR o.leased_until < :now)
                  AND NOT EXISTS (
                      SELECT 1 FROM alerts.outbox earlier
                      WHERE earlier.channel = o.channel AND earlier.alert_id = o.alert_id
                        AND earlier.id < o.id AND earlier.status = 'waiting')
                ORDER BY o.id LIMIT :limit FOR UPDATE SKIP LOCKED)
            UPDATE alerts.outbox SET leased_until = :until, attempts = attempts + 1
            FROM due WHERE outbox.id = due.id RETURNING outbox.id
            """
        ),
        {"now": now, "until": until, "limit": limit},
    )
    ids = list(found.scalars())
    return (
        (await session.execute(select(OutboxRow).where(OutboxRow.id.in_(ids)).order_by(OutboxRow.id))).scalars().all()
    )


async def settle(
    session: AsyncSession, outbox_id: int, status: str, next_at: datetime, attempt: dict[str, object]
) -> None:
    """Record an attempt and where it leaves its notification.

    A worker that lost its lease meanwhile may still say that the receiver acknowledged, but not that more is to be
    done: another one is at it, or has delivered it.
    """
    held = update(OutboxRow).where(OutboxRow.id == outbox_id, OutboxRow.status == "waiting")
    if status != "delivered":
        held = held.where(OutboxRow.attempts == attempt["attempt"])
    await session.execute(held.values(status=status, next_at=next_at, leased_until=None))
    await session.execute(insert(DeliveryRow).values(outbox_id=outbox_id, **attempt))


async def deliveries(session: AsyncSession, before: int | None, limit: int) -> Sequence[tuple[DeliveryRow, OutboxRow]]:
    """Return delivery attempts, newest first."""
    query = select(DeliveryRow, OutboxRow).join(OutboxRow, OutboxRow.id == DeliveryRow.outbox_id)
    if before is not None:
        query = query.where(DeliveryRow.id < before)
    rows = (await session.execute(query.order_by(DeliveryRow.id.desc()).limit(limit))).all()
    return [(attempt, notice) for attempt, notice in rows]


async def figures(session: AsyncSession) -> dict[str, int]:
    """Return how many notifications wait, are delivered, dead or suppressed."""
    found = await session.execute(text("SELECT status, count(*) FROM alerts.outbox GROUP BY status"))
    return {str(status): int(count) for status, count in found.all()}
