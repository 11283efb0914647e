"""Words the notifications: what people and programs receive."""

from datetime import datetime
from typing import Literal

from seatrial_alerts.evaluation import AlertChange
from seatrial_core.alerting import Transition
from seatrial_core.contracts.alerts import Alert, Notification

RULE_DELETED = "the rule was deleted"


def of_change(change: AlertChange, alert_id: str, number: int, channel: str) -> Notification:
    """Return the notification of a transition; its key is stable for (alert, transition, channel).

    Args:
        change: What happened.
        alert_id: Which alert.
        number: Which transition of the alert this is, counted by its version.
        channel: Where it goes.
    """
    transition = change.decision.transition
    assert transition is not None
    value = change.decision.state.value
    return Notification(
        key=f"{alert_id}/{number}/{transition.value}/{channel}",
        rule=change.rule.name,
        state=_state(transition),
        severity=change.rule.severity.value,
        environment=change.key.environment,
        scope=change.key.scope,
        summary=f"{change.rule.summary or change.rule.name} [{change.key.scope}] {change.decision.reason}",
        reason=change.decision.reason,
        metric=change.rule.metric,
        value=value,
        threshold=change.rule.threshold,
        at=change.at,
        alert_id=alert_id,
    )


def of_withdrawn(alert: Alert, now: datetime, channel: str) -> Notification:
    """Return the last notification of an alert whose rule was deleted."""
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
    """Return the notification of what became of a command to the engine."""
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
    """Return the notification by which an operator tries a channel."""
    return Notification(
        key=key,
        rule="test",
        state="test",
        severity="warning",
        environment="live",
        scope="portfolio",
        summary="This is a test; nothing is wrong.",
        reason="asked for by an operator",
        metric="",
        value=None,
        threshold=None,
        at=now,
        alert_id=key,
    )


def _state(transition: Transition) -> Literal["firing", "resolved", "repeated"]:
    return transition.value
