"""SQL of alerts and of their history."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.alerts import Alert
from seatrial_service.db.alerts import AlertRow, StateRow, TransitionRow


async def page(
    session: AsyncSession, status: str | None, before: tuple[datetime, str] | None, limit: int
) -> Sequence[tuple[AlertRow, bool]]:
    """Return alerts, newest first, each with whether it is stale.

    Args:
        session: The transaction.
        status: Only alerts of this status; None for all.
        before: Recording time and id of the last alert of the previous page.
        limit: The number of alerts, > 0.
    """
    query = (
        select(AlertRow, StateRow.is_stale)
        .outerjoin(StateRow, StateRow.alert_id == AlertRow.id)
        .order_by(AlertRow.recorded_at.desc(), AlertRow.id.desc())
        .limit(limit)
    )
    if status is not None:
        query = query.where(AlertRow.status == status)
    if before is not None:
        query = query.where(tuple_(AlertRow.recorded_at, AlertRow.id) < before)
    return [(row, bool(is_stale)) for row, is_stale in (await session.execute(query)).all()]


async def find(session: AsyncSession, alert_id: str) -> tuple[AlertRow, bool] | None:
    """Return one alert, and whether it is stale; None if there is no such alert."""
    query = select(AlertRow, StateRow.is_stale).outerjoin(StateRow, StateRow.alert_id == AlertRow.id)
    row = (await session.execute(query.where(AlertRow.id == alert_id))).one_or_none()
    return None if row is None else (row[0], bool(row[1]))


def as_alert(row: AlertRow, is_stale: bool = False) -> Alert:
    """Return the JSON form of an alert."""
    return Alert.model_validate(row, from_attributes=True).model_copy(update={"is_stale": is_stale})


async def steps(session: AsyncSession, alert_id: str) -> Sequence[TransitionRow]:
    """Return the history of one alert, oldest first."""
    query = select(TransitionRow).where(TransitionRow.alert_id == alert_id).order_by(TransitionRow.id)
    return (await session.execute(query)).scalars().all()


async def add_step(session: AsyncSession, alert_id: str, kind: str, now: datetime, reason: str) -> None:
    """Add a step to an alert's history that no observation caused."""
    step = {"alert_id": alert_id, "kind": kind, "at": now, "recorded_at": now, "value": None, "reason": reason}
    await session.execute(insert(TransitionRow).values(**step))


async def acknowledge(session: AsyncSession, row: AlertRow, actor: tuple[str, str], now: datetime) -> None:
    """Store who acknowledged an alert, and what the caller said about itself; only the first one counts."""
    if row.acknowledged_at is None:
        row.acknowledged_at, (row.acknowledged_by, row.acknowledged_note) = now, actor
        await session.flush()


async def resolve_alerts(session: AsyncSession, rule: str, reason: str, now: datetime) -> Sequence[AlertRow]:
    """Resolve and return the firing alerts of a deleted rule, which no evaluation would resolve."""
    rows = (await session.execute(select(AlertRow).filter_by(rule=rule, status="firing"))).scalars().all()
    for row in rows:
        row.status, row.resolved_at = "resolved", now
        await add_step(session, row.id, "resolved", now, reason)
    return rows
