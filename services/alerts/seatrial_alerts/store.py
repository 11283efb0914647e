"""All SQL of the alerts service."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_alerts.evaluation import Change, Key, Remembered
from seatrial_shared.alerting import State, Status, Transition
from seatrial_shared.contracts.alerts import RuleDocument, SilenceRequest
from seatrial_shared.db.alerts import AlertRow, DeliveryRow, OutboxRow, RuleRow, SilenceRow, StateRow, TransitionRow

EVALUATION_LOCK = 7_245_401


async def take_shard(session: AsyncSession, shard: int = 0) -> bool:
    """Become the evaluator of a shard for this transaction; False when another replica is at it."""
    found = await session.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": EVALUATION_LOCK + shard})
    return bool(found.scalar_one())


async def rules(session: AsyncSession) -> list[RuleDocument]:
    """Return every rule by name."""
    rows = (await session.execute(select(RuleRow).order_by(RuleRow.name))).scalars()
    return [RuleDocument.model_validate(row.document) for row in rows]


async def put_rule(session: AsyncSession, document: RuleDocument, now: datetime, *, replace: bool = True) -> None:
    """Store a rule; without `replace` one that stands already is left alone."""
    values = {"name": document.name, "document": document.model_dump(mode="json"), "updated_at": now}
    statement = upsert(RuleRow).values(**values)
    if replace:
        statement = statement.on_conflict_do_update(index_elements=["name"], set_=values)
    else:
        statement = statement.on_conflict_do_nothing()
    await session.execute(statement)


async def delete_rule(session: AsyncSession, name: str) -> bool:
    """Forget a rule and what is remembered of it; return whether it was there."""
    await session.execute(delete(StateRow).where(StateRow.rule == name))
    gone = await session.execute(delete(RuleRow).where(RuleRow.name == name).returning(RuleRow.name))
    return gone.scalar_one_or_none() is not None


async def remembered(session: AsyncSession) -> dict[Key, Remembered]:
    """Return what is stored of every alert."""
    rows = (await session.execute(select(StateRow))).scalars()
    return {
        Key(row.rule, row.environment, row.scope): Remembered(
            State(Status(row.status), row.since, row.well_since, row.notified_at, row.value, row.is_stale),
            row.version,
            row.alert_id,
        )
        for row in rows
    }


async def apply(session: AsyncSession, change: Change, now: datetime) -> str | None:
    """Store one change, fenced by the version it was decided on; return the alert's id, None when it came too late."""
    opens = change.decision.transition is Transition.FIRING
    alert_id = uuid4().hex if opens else change.before.alert_id
    if not await _write_state(session, change, alert_id):
        return None
    if opens and alert_id is not None:
        await session.execute(insert(AlertRow).values(**_alert(change, alert_id, now)))
    if alert_id is not None and change.decision.transition is not None:
        await _write_transition(session, change, alert_id, now)
    return alert_id or ""


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
    """Record an attempt and where it leaves its notification."""
    await session.execute(
        update(OutboxRow).where(OutboxRow.id == outbox_id).values(status=status, next_at=next_at, leased_until=None)
    )
    await session.execute(insert(DeliveryRow).values(outbox_id=outbox_id, **attempt))


async def silences(session: AsyncSession, now: datetime) -> Sequence[SilenceRow]:
    """Return the silences that hold now."""
    return (await session.execute(select(SilenceRow).where(SilenceRow.expires_at > now))).scalars().all()


async def add_silence(session: AsyncSession, wanted: SilenceRequest, now: datetime) -> SilenceRow:
    """Store a silence."""
    row = SilenceRow(id=uuid4().hex, created_at=now, **wanted.model_dump())
    session.add(row)
    await session.flush()
    return row


async def end_silence(session: AsyncSession, silence_id: str) -> bool:
    """Delete a silence; return whether it was there."""
    gone = await session.execute(delete(SilenceRow).where(SilenceRow.id == silence_id).returning(SilenceRow.id))
    return gone.scalar_one_or_none() is not None


async def alerts(
    session: AsyncSession, status: str | None, before: str | None, limit: int
) -> Sequence[tuple[AlertRow, bool]]:
    """Return alerts, newest first, each with whether its value is unknown now."""
    query = (
        select(AlertRow, StateRow.is_stale)
        .outerjoin(StateRow, StateRow.alert_id == AlertRow.id)
        .order_by(AlertRow.recorded_at.desc(), AlertRow.id.desc())
        .limit(limit)
    )
    if status is not None:
        query = query.where(AlertRow.status == status)
    if before is not None:
        moment, _, last = before.partition("/")
        query = query.where(
            text("(alerts.recorded_at, alerts.id) < (CAST(:moment AS timestamptz), :last)").bindparams(
                moment=moment, last=last
            )
        )
    return [(row, bool(is_stale)) for row, is_stale in (await session.execute(query)).all()]


async def alert(session: AsyncSession, alert_id: str) -> AlertRow | None:
    """Return one alert."""
    return await session.get(AlertRow, alert_id)


async def steps(session: AsyncSession, alert_id: str) -> Sequence[TransitionRow]:
    """Return the history of one alert, oldest first."""
    query = select(TransitionRow).where(TransitionRow.alert_id == alert_id).order_by(TransitionRow.id)
    return (await session.execute(query)).scalars().all()


async def acknowledge(session: AsyncSession, row: AlertRow, by: str, now: datetime) -> None:
    """Note who looks after an alert; the first one stands."""
    if row.acknowledged_at is None:
        row.acknowledged_at, row.acknowledged_by = now, by
        await session.flush()


async def deliveries(session: AsyncSession, before: int | None, limit: int) -> Sequence[tuple[DeliveryRow, OutboxRow]]:
    """Return delivery attempts, newest first."""
    query = select(DeliveryRow, OutboxRow).join(OutboxRow, OutboxRow.id == DeliveryRow.outbox_id)
    if before is not None:
        query = query.where(DeliveryRow.id < before)
    rows = (await session.execute(query.order_by(DeliveryRow.id.desc()).limit(limit))).all()
    return [(attempt, notice) for attempt, notice in rows]


async def outbox_figures(session: AsyncSession) -> dict[str, int]:
    """Return how many notifications wait, are delivered, dead or suppressed."""
    found = await session.execute(text("SELECT status, count(*) FROM alerts.outbox GROUP BY status"))
    return {str(status): int(count) for status, count in found.all()}


async def _write_state(session: AsyncSession, change: Change, alert_id: str | None) -> bool:
    state, key, seen = change.decision.state, change.key, change.before.version
    resolved = change.decision.transition is Transition.RESOLVED
    values = {
        "status": state.status.value,
        "since": state.since,
        "well_since": state.well_since,
        "notified_at": state.notified_at,
        "value": state.value,
        "is_stale": state.is_stale,
        "alert_id": None if resolved else alert_id,
        "reason": change.decision.reason,
        "version": seen + 1,
    }
    identity = {"rule": key.rule, "environment": key.environment, "scope": key.scope}
    if seen == 0:
        added = upsert(StateRow).values(**identity, **values).on_conflict_do_nothing().returning(StateRow.version)
        return (await session.execute(added)).scalar_one_or_none() is not None
    fenced = update(StateRow).filter_by(**identity).where(StateRow.version == seen).values(**values)
    return (await session.execute(fenced.returning(StateRow.version))).scalar_one_or_none() is not None


async def _write_transition(session: AsyncSession, change: Change, alert_id: str, now: datetime) -> None:
    kind = change.decision.transition
    assert kind is not None
    await session.execute(
        insert(TransitionRow).values(
            alert_id=alert_id,
            kind=kind.value,
            at=change.at,
            recorded_at=now,
            value=change.decision.state.value,
            reason=change.decision.reason,
        )
    )
    if kind is Transition.RESOLVED:
        await session.execute(
            update(AlertRow)
            .where(AlertRow.id == alert_id)
            .values(status="resolved", resolved_at=change.at, value=change.decision.state.value)
        )


def _alert(change: Change, alert_id: str, now: datetime) -> dict[str, object]:
    rule = change.rule
    return {
        "id": alert_id,
        "rule": rule.name,
        "environment": change.key.environment,
        "scope": change.key.scope,
        "severity": rule.severity.value,
        "status": "firing",
        "summary": rule.summary,
        "metric": rule.metric,
        "threshold": rule.threshold,
        "value": change.decision.state.value,
        "fired_at": change.at,
        "recorded_at": now,
    }


def silenced(held: Iterable[SilenceRow], key: Key) -> SilenceRow | None:
    """Return the silence that covers an alert, if one does."""
    return next((one for one in held if one.rule == key.rule and one.scope in (None, key.scope)), None)
