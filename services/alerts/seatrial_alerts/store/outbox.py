"""SQL of the outbox: messages for the channels, and the attempts to deliver them."""

# Not shared with the engine's outbox: docs/adr/0009 lists the differences.
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_service.db.alerts import DeliveryRow, NotificationRow


@dataclass(frozen=True)
class OutboxClaim:
    """Which messages a dispatcher claims.

    Args:
        channel: The channel.
        is_serial: Whether all messages of the channel keep their order, not only those of one alert.
        limit: How many at most.
    """

    channel: str
    is_serial: bool = False
    limit: int = 20


async def enqueue(session: AsyncSession, body: Mapping[str, object], channel: str, status: str, now: datetime) -> None:
    """Add a message to the outbox; one with an existing key is ignored."""
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


async def was_notified(session: AsyncSession, alert_id: str, channels: Sequence[str]) -> bool:
    """Return whether any notification of an alert was sent or waits."""
    conditions = (
        NotificationRow.alert_id == alert_id,
        NotificationRow.channel.in_(channels),
        NotificationRow.status != "suppressed",
    )
    return (await session.execute(select(NotificationRow.id).where(*conditions).limit(1))).first() is not None


async def waiting(session: AsyncSession) -> tuple[dict[str, int], datetime | None]:
    """Return how many messages of each channel wait, and when the oldest was queued."""
    query = select(NotificationRow.channel, func.count(), func.min(NotificationRow.created_at)).where(
        NotificationRow.status == "waiting"
    )
    rows = (await session.execute(query.group_by(NotificationRow.channel))).all()
    return {str(channel): int(count) for channel, count, _ in rows}, min((at for *_, at in rows), default=None)


async def last(session: AsyncSession, channel: str) -> tuple[NotificationRow, str | None] | None:
    """Return the newest message of a channel and the detail of its last attempt."""
    query = (
        select(NotificationRow).where(NotificationRow.channel == channel).order_by(NotificationRow.id.desc()).limit(1)
    )
    row = (await session.execute(query)).scalar_one_or_none()
    if row is None:
        return None
    attempts = (
        select(DeliveryRow.detail).where(DeliveryRow.outbox_id == row.id).order_by(DeliveryRow.id.desc()).limit(1)
    )
    return row, (await session.execute(attempts)).scalar_one_or_none()


async def claim(
    session: AsyncSession, request: OutboxClaim, now: datetime, until: datetime
) -> Sequence[NotificationRow]:
    """Lease and return messages that are due: of each alert, or of a serial channel, only the oldest waiting one."""
    claimed = await session.execute(
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
            "limit": request.limit,
            "channel": request.channel,
            "is_serial": request.is_serial,
        },
    )
    ids = list(claimed.scalars())
    return (
        (await session.execute(select(NotificationRow).where(NotificationRow.id.in_(ids)).order_by(NotificationRow.id)))
        .scalars()
        .all()
    )


async def record_attempt(
    session: AsyncSession, outbox_id: int, status: str, next_at: datetime, attempt: dict[str, object]
) -> None:
    """Store an attempt and the new status of its message.

    A dispatcher whose lease has expired may still set `delivered`; any other status is ignored, because another
    dispatcher has claimed the message since.
    """
    statement = update(NotificationRow).where(NotificationRow.id == outbox_id, NotificationRow.status == "waiting")
    if status != "delivered":
        statement = statement.where(NotificationRow.attempts == attempt["attempt"])
    await session.execute(statement.values(status=status, next_at=next_at, leased_until=None))
    await session.execute(insert(DeliveryRow).values(outbox_id=outbox_id, **attempt))


async def deliveries(
    session: AsyncSession, before: int | None, limit: int
) -> Sequence[tuple[DeliveryRow, NotificationRow]]:
    """Return delivery attempts, newest first."""
    query = select(DeliveryRow, NotificationRow).join(NotificationRow, NotificationRow.id == DeliveryRow.outbox_id)
    if before is not None:
        query = query.where(DeliveryRow.id < before)
    rows = (await session.execute(query.order_by(DeliveryRow.id.desc()).limit(limit))).all()
    return [(attempt, message) for attempt, message in rows]


async def count_by_status(session: AsyncSession) -> dict[str, int]:
    """Return the number of messages by status: waiting, delivered, dead or suppressed."""
    rows = await session.execute(text("SELECT status, count(*) FROM alerts.outbox GROUP BY status"))
    return {str(status): int(count) for status, count in rows.all()}
