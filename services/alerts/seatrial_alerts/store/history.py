"""SQL of alerts as people read them, and of their history."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.alerts import Alert
from seatrial_service.db.alerts import AlertRow, StateRow, TransitionRow


async def page(
    session: AsyncSession, status: str | None, before: tuple[datetime, str] | None, limit: int
) -> Sequence[tuple[AlertRow, bool]]:
    """Return alerts, newest first, each with whether its value is unknown now; `before` is the last one seen."""
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
    """Return one alert, and whether its value is unknown now."""
    query = select(AlertRow, StateRow.is_stale).outerjoin(StateRow, StateRow.alert_id == AlertRow.id)
    found = (await session.execute(query.where(AlertRow.id == alert_id))).one_or_none()
    return None if found is None else (found[0], bool(found[1]))


def as_alert(row: AlertRow, is_stale: bool = False) -> Alert:
    """Return an alert's wire form."""
    return Alert.model_validate(row, from_attributes=True).model_copy(update={"is_stale": is_stale})


async def steps(session: AsyncSession, alert_id: str) -> Sequence[TransitionRow]:
    """Return the history of one alert, oldest first."""
    query = select(TransitionRow).where(TransitionRow.alert_id == alert_id).order_by(TransitionRow.id)
    return (await session.execute(query)).scalars().all()


async def add_step(session: AsyncSession, alert_id: str, kind: str, now: datetime, reason: str) -> None:
    """Add to an alert's history what no observation did."""
    step = {"alert_id": alert_id, "kind": kind, "at": now, "recorded_at": now, "value": None, "reason": reason}
    await session.execute(insert(TransitionRow).values(**step))


async def acknowledge(session: AsyncSession, row: AlertRow, by: str, now: datetime) -> None:
    """Note who looks after an alert; the first one stands."""
    if row.acknowledged_at is None:
        row.acknowledged_at, row.acknowledged_by = now, by
        await session.flush()


async def withdraw(session: AsyncSession, rule: str, reason: str, now: datetime) -> Sequence[AlertRow]:
    """Close the alerts of a rule that is no more, and return them: nothing would ever resolve them."""
    closed = (await session.execute(select(AlertRow).filter_by(rule=rule, status="firing"))).scalars().all()
    for row in closed:
        row.status, row.resolved_at = "resolved", now
        await add_step(session, row.id, "resolved", now, reason)
    return closed
