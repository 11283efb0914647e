"""The notifications of the alerts service: transitions, deleted rules, the circuit breaker, and tests."""

from datetime import datetime
from typing import Literal

from seatrial_alerts.evaluation import AlertChange
from seatrial_core.contracts.alerts import Alert, Notification
from seatrial_core.notifications import AlertTransitionRef, of_transition

RULE_DELETED = "the rule was deleted"


def of_change(change: AlertChange, alert_id: str, channel: str) -> Notification:
    """Return the notification of a transition for one channel."""
    number = change.before.version + 1
    ref = AlertTransitionRef(alert_id, number, change.key.environment, change.key.scope, change.at)
    return of_transition(change.rule, change.decision, ref, channel)


def of_deleted_rule(alert: Alert, now: datetime, channel: str) -> Notification:
    """Return the notification that an alert is resolved because its rule was deleted."""
    return Notification(
        key=f"{alert.id}/withdrawn/resolved/{channel}",
        rule=alert.rule,
        state="resolved",
        severity=alert.severity,
        environment=alert.environment,
        scope=alert.scope,
        summary=f"{alert.summary or alert.rule} [{alert.scope}] {RULE_DELETED}",
        reason=RULE_DELETED,
        metric=alert.metric,
        value=alert.value,
        threshold=alert.threshold,
        at=now,
        alert_id=alert.id,
    )


def of_breaker(alert: Alert, kind: str, reason: str, now: datetime, key: str) -> Notification:
    """Return the notification of the result of a command to the engine.

    Args:
        alert: The alert that halted the engine.
        kind: `halted`, `resumed`, `halt_unconfirmed` or `resume_unconfirmed`.
        reason: Why the command was queued, and its result.
        now: When the result was known.
        key: The idempotency key.
    """
    state: Literal["halted", "resumed", "unconfirmed"] = (
        "halted" if kind == "halted" else "resumed" if kind == "resumed" else "unconfirmed"
    )
    return Notification(
        key=key,
        rule=alert.rule,
        state=state,
        severity="critical",
        environment=alert.environment,
        scope=alert.scope,
        summary=f"circuit breaker, {kind.replace('_', ' ')}: {reason}",
        reason=reason,
        metric=alert.metric,
        value=alert.value,
        threshold=alert.threshold,
        at=now,
        alert_id=alert.id,
    )


def of_test(key: str, now: datetime) -> Notification:
    """Return the notification of `POST /v1/test-notification`."""
    return Notification(
        key=key,
        rule="test",
        state="test",
        severity="warning",
        environment="live",
        scope="portfolio",
        summary="This is a test notification; no alert fires.",
        reason="requested by an operator",
        metric="",
        value=None,
        threshold=None,
        at=now,
        alert_id=key,
    )
