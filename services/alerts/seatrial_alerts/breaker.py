"""The circuit breaker: an alert halts the engine, the engine confirms, a person resumes it."""

from datetime import datetime
from typing import Literal

from seatrial_alerts import notifications
from seatrial_alerts.channel import DeliveryAttempt
from seatrial_alerts.engine_commands import ENGINE, HALT, RESUME
from seatrial_alerts.evaluation import AlertChange
from seatrial_alerts.store import history, outbox, states
from seatrial_core.alerting import RuleAction, Transition
from seatrial_core.contracts.alerts import Breaker
from seatrial_core.contracts.events import Environment
from seatrial_core.errors import Conflict
from seatrial_service import logs
from seatrial_service.db.alerts import NotificationRow
from seatrial_service.db.session import AsyncSession

ACTOR = "seatrial-alerts"
UNCONFIRMED_AFTER_ATTEMPTS = 3
TRADING_ENVIRONMENTS = frozenset({Environment.LIVE.value, Environment.PAPER.value})
MAX_REASON_LENGTH = 500
STATES: dict[tuple[str, bool], Literal["halting", "halted", "resuming", "ready"]] = {
    (HALT, False): "halting",
    (HALT, True): "halted",
    (RESUME, False): "resuming",
    (RESUME, True): "ready",
}


def is_tripped(change: AlertChange) -> bool:
    """Return whether a change halts the engine; replays, stress runs and repeated notifications never do."""
    fires = change.decision.transition is Transition.FIRING
    return fires and change.rule.action is RuleAction.HALT and change.key.environment in TRADING_ENVIRONMENTS


async def trip(session: AsyncSession, change: AlertChange, alert_id: str, now: datetime) -> None:
    """Queue the command to halt, in the transaction in which the alert fires; silences do not apply."""
    await states.lock_commands(session)  # so that the order of commands is the order of commits
    reason = f"{change.rule.name} [{change.key.environment}, {change.key.scope}]: {change.decision.reason}"
    body = _command(f"{alert_id}/halt/{ENGINE}", alert_id, HALT, ACTOR, reason)
    await outbox.enqueue(session, body, ENGINE, "waiting", now)
    await history.add_step(session, alert_id, "halt_commanded", now, reason)


async def resume(session: AsyncSession, actor: tuple[str, str], reason: str, now: datetime) -> Breaker:
    """Queue the command to resume and return the breaker.

    Args:
        session: The transaction.
        actor: Who resumes, and what the caller said about itself.
        reason: Why.
        now: When.

    Raises:
        Conflict: No alert has halted the engine, or a resume is queued already.
    """
    await states.lock_commands(session)
    last = await outbox.last(session, ENGINE)
    if last is None or last[0].body["command"] != HALT:
        raise Conflict("no alert has halted the engine, or a resume is queued already; see GET /v1/breaker")
    row = last[0]
    name, note = actor
    body = _command(f"{row.key}/resume", row.alert_id, RESUME, name, reason) | {"note": note}
    await outbox.enqueue(session, body, ENGINE, "waiting", now)
    who = f"{name} ({note})" if note else name
    await history.add_step(session, row.alert_id, "resume_commanded", now, f"{who}: {reason}")
    return await read_breaker(session)


async def read_breaker(session: AsyncSession) -> Breaker:
    """Return the state of the breaker, from the last command and its result."""
    last = await outbox.last(session, ENGINE)
    if last is None:
        return Breaker(state="ready")
    row, problem = last
    is_done = row.status == "delivered"
    return Breaker(
        state=STATES[row.body["command"], is_done],
        alert_id=row.alert_id,
        actor=row.body["actor"],
        note=row.body.get("note", ""),
        reason=row.body["reason"],
        commanded_at=row.created_at,
        attempts=row.attempts,
        problem=None if is_done else problem,
    )


async def record_result(
    session: AsyncSession, row: NotificationRow, attempt: DeliveryAttempt, channels: tuple[str, ...], now: datetime
) -> None:
    """Store the result of a command and queue its notifications: confirmed, or unconfirmed after three attempts."""
    command, is_late = row.body["command"], row.attempts == UNCONFIRMED_AFTER_ATTEMPTS
    if not attempt.is_delivered and not is_late:
        return
    kind = {HALT: "halted", RESUME: "resumed"}[command] if attempt.is_delivered else f"{command}_unconfirmed"
    confirmed = "the engine refuses orders" if command == HALT else "the engine accepts orders"
    reason = f"{row.body['reason']} ({confirmed if attempt.is_delivered else attempt.detail})"
    await history.add_step(session, row.alert_id, kind, now, reason)
    alert = await history.find(session, row.alert_id)
    log = logs.get().warning if attempt.is_delivered else logs.get().error
    log("breaker_changed", kind=kind, alert_id=row.alert_id, reason=reason)
    if alert is None:
        return
    for channel in channels:
        body = notifications.of_breaker(history.as_alert(*alert), kind, reason, now, f"{row.key}/{kind}/{channel}")
        await outbox.enqueue(session, body.model_dump(mode="json"), channel, "waiting", now)


def _command(key: str, alert_id: str, command: str, actor: str, reason: str) -> dict[str, object]:
    return {
        "key": key,
        "alert_id": alert_id,
        "command": command,
        "actor": actor,
        "reason": reason[:MAX_REASON_LENGTH],
    }
