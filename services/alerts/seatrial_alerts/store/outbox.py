"""SQL of the notifications that wait, and of the attempts to deliver them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_service.db.alerts import DeliveryRow, NotificationRow


@dataclass(frozen=True)
class OutboxClaim:
    """What a worker claims: of which channel, how many, and whether all of it keeps its order."""

    channel: str
    is_serial: bool = False
    limit: int = 20


async def enqueue(session: AsyncSession, body: Mapping[str, object], channel: str, status: str, now: datetime) -> None:
    """Put a notification in the outbox; one with the same key is there already."""
    await session.execute(
        upsert(NotificationRow)
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


async def was_told(session: AsyncSession, alert_id: str, channels: Sequence[str]) -> bool:
    """Tell whether any notification of an alert went out, or will."""
    told = (
        NotificationRow.alert_id == alert_id,
        NotificationRow.channel.in_(channels),
        NotificationRow.status != "suppressed",
    )
    return (await session.execute(select(NotificationRow.id).where(*told).limit(1))).first() is not None


async def waiting(session: AsyncSession) -> tuple[dict[str, int], datetime | None]:
    """Return how many messages of each channel wait, and since when the oldest does."""
    query = select(NotificationRow.channel, func.count(), func.min(NotificationRow.created_at)).where(
        NotificationRow.status == "waiting"
    )
    rows = (await session.execute(query.group_by(NotificationRow.channel))).all()
    return {str(channel): int(count) for channel, count, _ in rows}, min((at for *_, at in rows), default=None)


async def last(session: AsyncSession, channel: str) -> tuple[NotificationRow, str | None] | None:
    """Return the newest message of a channel, and what its last attempt complained of."""
    query = (
        select(NotificationRow).where(NotificationRow.channel == channel).order_by(NotificationRow.id.desc()).limit(1)
    )
    row = (await session.execute(query)).scalar_one_or_none()
    if row is None:
        return None
    tries = select(DeliveryRow.detail).where(DeliveryRow.outbox_id == row.id).order_by(DeliveryRow.id.desc()).limit(1)
    return row, (await session.execute(tries)).scalar_one_or_none()


async def claim(
    session: AsyncSession, wanted: OutboxClaim, now: datetime, until: datetime
) -> Sequence[NotificationRow]:
    """Lease messages that are due, of each alert (or of the whole channel) only the oldest that waits."""
    found = await session.execute(
        text(
            """
            WITH due AS (
                SELECT o.id FROM alerts.outbox o
                WHERE o.channel = :channel AND o.status = 'waiting' AND o.next_at <= :now
                  AND (o.leased_until IS NULL OR o.leased_until < :now)
                  AND NOT EXISTS (
                      SELECT 1 FROM alerts.outbox earlier
                      WHERE earlier.channel = o.channel AND (:is_serial OR earlier.alert_id = o.alert_id)
                        AND earlier.id < o.id AND earlier.status = 'waiting')
                ORDER BY o.id LIMIT :limit FOR UPDATE SKIP LOCKED)
            UPDATE alerts.outbox SET leased_until = :until, attempts = attempts + 1
            FROM due WHERE outbox.id = due.id RETURNING outbox.id
            """
        ),
        {
            "now": now,
            "until": until,
            "limit": wanted.limit,
            "channel": wanted.channel,
            "is_serial": wanted.is_serial,
        },
    )
    ids = list(found.scalars())
    return (
        (await session.execute(select(NotificationRow).where(NotificationRow.id.in_(ids)).order_by(NotificationRow.id)))
        .scalars()
        .all()
    )


async def settle(
    session: AsyncSession, outbox_id: int, status: str, next_at: datetime, attempt: dict[str, object]
) -> None:
    """Record an attempt and where it leaves its notification.

    A worker that lost its lease meanwhile may still say that the receiver acknowledged, but not that more is to be
    done: another one is at it, or has delivered it.
    """
    held = update(NotificationRow).where(NotificationRow.id == outbox_id, NotificationRow.status == "waiting")
    if status != "delivered":
        held = held.where(NotificationRow.attempts == attempt["attempt"])
    await session.execute(held.values(status=status, next_at=next_at, leased_until=None))
    await session.execute(insert(DeliveryRow).values(outbox_id=outbox_id, **attempt))


async def deliveries(
    session: AsyncSession, before: int | None, limit: int
) -> Sequence[tuple[DeliveryRow, NotificationRow]]:
    """Return delivery attempts, newest first."""
    query = select(DeliveryRow, NotificationRow).join(NotificationRow, NotificationRow.id == DeliveryRow.outbox_id)
    if before is not None:
        query = query.where(DeliveryRow.id < before)
    rows = (await session.execute(query.order_by(DeliveryRow.id.desc()).limit(limit))).all()
    return [(attempt, notice) for attempt, notice in rows]


async def figures(session: AsyncSession) -> dict[str, int]:
    """Return how many notifications wait, are delivered, dead or suppressed."""
    found = await session.execute(text("SELECT status, count(*) FROM alerts.outbox GROUP BY status"))
    return {str(status): int(count) for status, count in found.all()}
