"""The JSON models of alerts, rules, silences, deliveries and notifications."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from seatrial_core.contracts.numbers import Count, Finite, Instant
from seatrial_core.contracts.text import Reason, TextRule

ScopeName = Literal["portfolio", "account", "strategy", "endpoint", "engine"]
RuleName = Annotated[str, TextRule(1, 64, pattern=r"^[a-z][a-z0-9_]{0,63}$")]
MetricName = RuleName
PersonName = Annotated[str, TextRule(1, 100)]
Seconds = Annotated[float, Field(ge=0, le=86_400 * 31, allow_inf_nan=False)]


class AlertRuleDocument(BaseModel):
    """A rule; `seatrial_core.alerting.Rule` documents the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: RuleName
    metric: MetricName
    comparison: Literal["above", "below"]
    threshold: Finite
    for_seconds: Seconds = 0.0
    keep_firing_seconds: Seconds = 0.0
    recovery: Finite | None = None
    samples_metric: Annotated[str, TextRule(max_length=64)] = ""
    minimum_samples: Count = 0
    scopes: Annotated[tuple[ScopeName, ...], Field(min_length=1, max_length=5)] = ("portfolio",)
    severity: Literal["warning", "critical"] = "critical"
    no_data: Literal["hold", "fire"] = "hold"
    repeat_seconds: Seconds = 14_400.0
    action: Literal["none", "halt"] = "none"
    summary: Annotated[str, TextRule(max_length=500, is_prose=True)] = ""


class Alert(BaseModel):
    """One alert, firing or resolved."""

    model_config = ConfigDict(frozen=True)

    id: str
    rule: str
    environment: str
    scope: str
    severity: str
    status: Literal["firing", "resolved"]
    summary: str
    metric: str
    threshold: float
    value: float | None
    fired_at: AwareDatetime
    resolved_at: AwareDatetime | None = None
    recorded_at: AwareDatetime
    acknowledged_at: AwareDatetime | None = None
    acknowledged_by: str | None = None
    is_stale: bool = False


class AlertTransition(BaseModel):
    """One step in an alert's history."""

    model_config = ConfigDict(frozen=True)

    kind: str
    at: AwareDatetime
    recorded_at: AwareDatetime
    value: float | None
    reason: str


class Delivery(BaseModel):
    """One attempt to deliver a notification."""

    model_config = ConfigDict(frozen=True)

    key: str
    alert_id: str
    channel: str
    at: AwareDatetime
    attempt: int
    outcome: str
    status_code: int | None
    detail: str
    seconds: float


class SilenceRequest(BaseModel):
    """Suppresses the notifications of a rule until an instant; its alerts are still recorded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: RuleName
    scope: Annotated[str, TextRule(1, 300)] | None = None
    reason: Reason
    created_by: PersonName
    expires_at: Instant


class Silence(BaseModel):
    """A stored silence; `created_by` is the name of the token, and `note` what the caller said about itself."""

    model_config = ConfigDict(frozen=True)

    note: str = ""

    id: str
    rule: str
    scope: str | None = None
    reason: str
    created_by: str
    expires_at: AwareDatetime
    created_at: AwareDatetime


class Acknowledgement(BaseModel):
    """Who works on an alert."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: PersonName


class Breaker(BaseModel):
    """The state of the circuit breaker; the engine has not confirmed `halting` and `resuming` yet."""

    model_config = ConfigDict(frozen=True)

    state: Literal["ready", "halting", "halted", "resuming"]
    alert_id: str | None = None
    actor: str = ""
    note: str = ""
    reason: str = ""
    commanded_at: AwareDatetime | None = None
    attempts: int = 0
    problem: str | None = None


class ResumeRequest(BaseModel):
    """Who resumes the engine, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: PersonName
    reason: Reason


class Notification(BaseModel):
    """The body of a webhook; `key` is the same for every attempt to deliver it."""

    model_config = ConfigDict(frozen=True)

    key: str
    rule: str
    state: Literal["firing", "resolved", "repeated", "halted", "resumed", "unconfirmed", "test"]
    severity: str
    environment: str
    scope: str
    summary: str
    reason: str
    metric: str
    value: float | None
    threshold: float | None
    at: AwareDatetime
    alert_id: str
    labels: dict[str, Any] = {}
