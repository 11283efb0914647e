"""Notifications of alerts: their text, and the signed request that posts them, for the alerts service and the SDK."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import AnyHttpUrl, TypeAdapter, ValidationError

from seatrial_core.alerting import AlertDecision, Rule, Transition
from seatrial_core.contracts.alerts import Notification
from seatrial_core.json_types import JsonMapping
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

WEBHOOK = "webhook"
IDEMPOTENCY_HEADER = "Idempotency-Key"
USER_AGENT = "seatrial-alerts"

_URL: TypeAdapter[AnyHttpUrl] = TypeAdapter(AnyHttpUrl)


@dataclass(frozen=True)
class AlertTransitionRef:
    """Which transition of which alert a notification is about.

    Args:
        alert_id: The alert.
        number: Counts the transitions of the alert.
        environment: live, paper or replay.
        scope: `portfolio`, or kind and name as in `endpoint:place_order`.
        at: When it happened: event time in a replay, else the wall clock.
        labels: What else identifies the scope.
    """

    alert_id: str
    number: int
    environment: str
    scope: str
    at: datetime
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class WebhookPost:
    """One request to a webhook."""

    body: bytes
    headers: Mapping[str, str]


def of_transition(rule: Rule, decision: AlertDecision, ref: AlertTransitionRef, channel: str = WEBHOOK) -> Notification:
    """Return the notification of a transition; its key is the same for every attempt to deliver it."""
    transition = decision.transition
    assert transition is not None, "a decision without a transition is not notified"
    condition = rule.summary or rule.name
    if transition is Transition.RESOLVED:
        condition = f"Recovered from: {condition}"  # the condition alone would read like a breach
    return Notification(
        key=f"{ref.alert_id}/{ref.number}/{transition.value}/{channel}",
        rule=rule.name,
        state=transition.value,
        severity=rule.severity.value,
        environment=ref.environment,
        scope=ref.scope,
        summary=f"{condition} [{ref.scope}] {decision.reason}",
        reason=decision.reason,
        metric=rule.metric,
        value=decision.state.value,
        threshold=rule.threshold,
        at=ref.at,
        alert_id=ref.alert_id,
        labels=dict(ref.labels),
    )


def webhook_post(notification: JsonMapping, secret: str, now: datetime) -> WebhookPost:
    """Return the body and the headers that post a notification.

    Args:
        notification: The JSON of a `Notification`.
        secret: Signs the body; empty leaves it unsigned.
        now: The time of the signature.
    """
    body = json.dumps(notification, separators=(",", ":"), sort_keys=True).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        IDEMPOTENCY_HEADER: str(notification["key"]),
    }
    if secret:
        timestamp = int(now.timestamp())
        headers[TIMESTAMP_HEADER] = str(timestamp)
        headers[SIGNATURE_HEADER] = sign(secret, body, timestamp)
    return WebhookPost(body, headers)


def checked_webhook_url(url: str) -> str:
    """Return the address of a webhook without surrounding spaces; empty means none.

    Raises:
        ValueError: It is no http:// or https:// address with a host.
    """
    address = url.strip()
    if not address:
        return ""
    try:
        _URL.validate_python(address)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise ValueError(f"must be an http:// or https:// address with a host, or empty for none: {problem}") from None
    return address
