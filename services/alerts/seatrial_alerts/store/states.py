"""SQL of the stored state of each alert, and of the locks on evaluation and engine commands."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_alerts.evaluation import AlertChange, AlertKey, StoredState
from seatrial_core.alerting import AlertState, AlertStatus, Transition
from seatrial_service.db.alerts import AlertRow, LastEvaluationRow, RuleRow, StateRow, TransitionRow

COMMAND_LOCK = 7_245_400


async def lock_evaluator(session: AsyncSession) -> LastEvaluationRow:
    """Return the row of the last evaluation, locked: evaluators and rule deletions run one after the other."""
    query = select(LastEvaluationRow).where(LastEvaluationRow.id == 1).with_for_update()
    return (await session.execute(query)).scalar_one()


async def lock_commands(session: AsyncSession) -> None:
    """Wait until no other transaction queues a command to the engine."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": COMMAND_LOCK})


async def firing(session: AsyncSession) -> dict[str, int]:
    """Return how many alerts of each rule fire, 0 included."""
    counted = func.count(StateRow.rule)
    joined = (StateRow.rule == RuleRow.name) & (StateRow.status == AlertStatus.FIRING.value)
    query = select(RuleRow.name, counted).outerjoin(StateRow, joined).group_by(RuleRow.name)
    return {str(name): int(count) for name, count in (await session.execute(query)).all()}


async def read_states(session: AsyncSession) -> dict[AlertKey, StoredState]:
    """Return the stored state of every alert."""
    rows = (await session.execute(select(StateRow))).scalars()
    return {
        AlertKey(row.rule, row.environment, row.scope): StoredState(
            AlertState(
                AlertStatus(row.status), row.since, row.recovering_since, row.notified_at, row.value, row.is_stale
            ),
            row.version,
            row.alert_id,
        )
        for row in rows
    }


async def apply(session: AsyncSession, change: AlertChange, now: datetime) -> str | None:
    """Store one change if the state is still at the version it was decided on.

    Returns:
        The alert's id; empty if it has never fired; None if the state was at another version.
    """
    opens = change.decision.transition is Transition.FIRING
    alert_id = uuid4().hex if opens else change.before.alert_id
    if not await _write_state(session, change, alert_id):
        return None
    if opens and alert_id is not None:
        await session.execute(insert(AlertRow).values(**_alert(change, alert_id, now)))
    if alert_id is not None and change.decision.transition is not None:
        await _write_transition(session, change, alert_id, now)
    return alert_id or ""


async def _write_state(session: AsyncSession, change: AlertChange, alert_id: str | None) -> bool:
    state, key, version = change.decision.state, change.key, change.before.version
    resolved = change.decision.transition is Transition.RESOLVED
    values = {
        "status": state.status.value,
        "since": state.since,
        "recovering_since": state.recovering_since,
        "notified_at": state.notified_at,
        "value": state.value,
        "is_stale": state.is_stale,
        "alert_id": None if resolved else alert_id,
        "reason": change.decision.reason,
        "version": version + 1,
    }
    identity = {"rule": key.rule, "environment": key.environment, "scope": key.scope}
    if version == 0:
        insertion = upsert(StateRow).values(**identity, **values).on_conflict_do_nothing().returning(StateRow.version)
        return (await session.execute(insertion)).scalar_one_or_none() is not None
    fenced = update(StateRow).filter_by(**identity).where(StateRow.version == version).values(**values)
    return (await session.execute(fenced.returning(StateRow.version))).scalar_one_or_none() is not None


async def _write_transition(session: AsyncSession, change: AlertChange, alert_id: str, now: datetime) -> None:
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


def _alert(change: AlertChange, alert_id: str, now: datetime) -> dict[str, object]:
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
