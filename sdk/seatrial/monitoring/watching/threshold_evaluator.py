"""Evaluates the five thresholds in this process, with the evaluator of the alerts service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

import httpx

from seatrial.monitoring.watching import figures
from seatrial.monitoring.watching.options import MonitorOptions
from seatrial_core.alerting import AlertState, Observation, Rule, RuleScope, Transition, default_rules, evaluate
from seatrial_core.clients import http_options, service_url
from seatrial_core.contracts.alerts import Notification
from seatrial_core.figures.figure import Figure, known, undefined
from seatrial_core.notifications import AlertTransitionRef, of_transition

PROBE_SECONDS = 0.5
NO_CALL = undefined("no call in the last 60 seconds")


@dataclass(frozen=True)
class _TrackedAlert:
    state: AlertState = field(default_factory=AlertState)
    alert_id: str = ""
    transitions: int = 0


class ThresholdEvaluator:
    """Holds the state of each threshold and returns the notifications of what changed.

    Args:
        options: The thresholds, the account and its environment.
    """

    def __init__(self, options: MonitorOptions) -> None:
        self._options = options
        self._rules = default_rules(options.thresholds)
        self._alerts: dict[tuple[str, str | None], _TrackedAlert] = {}

    def evaluate(self, reading: figures.MonitorReading, now: datetime) -> list[Notification]:
        """Return the notifications of one reading, in the order of the rules."""
        values = figures.values(reading)
        notifications = []
        for rule in self._rules:
            samples = values.get(rule.samples_metric)
            for endpoint, figure in self._figures(rule, reading, values).items():
                notification = self._evaluate_rule(rule, endpoint, _observation(figure, samples), now)
                if notification is not None:
                    notifications.append(notification)
        return notifications

    def _figures(
        self, rule: Rule, reading: figures.MonitorReading, values: Mapping[str, Figure]
    ) -> dict[str | None, Figure]:
        if RuleScope.ENDPOINT not in rule.scopes:
            return {None: values[rule.metric]}
        idle = {endpoint: NO_CALL for name, endpoint in self._alerts if name == rule.name}
        return {**idle, **{endpoint: known(seconds) for endpoint, seconds in reading.slowest.items()}}

    def _evaluate_rule(
        self, rule: Rule, endpoint: str | None, observation: Observation, now: datetime
    ) -> Notification | None:
        alert = self._alerts.get((rule.name, endpoint), _TrackedAlert())
        decision = evaluate(rule, alert.state, observation, now)
        alert_id = uuid4().hex if decision.transition is Transition.FIRING else alert.alert_id
        number = alert.transitions + (decision.transition is not None)
        self._alerts[rule.name, endpoint] = _TrackedAlert(decision.state, alert_id, number)
        if decision.transition is None:
            return None
        scope = RuleScope.PORTFOLIO.value if endpoint is None else f"{RuleScope.ENDPOINT.value}:{endpoint}"
        labels = {"account": self._options.account}
        return of_transition(
            rule, decision, AlertTransitionRef(alert_id, number, self._options.environment, scope, now, labels)
        )


def alerts_service_answers() -> bool:
    """Return whether Seatrial's alerts service answers at its configured address."""
    try:
        url = service_url("alerts")
        response = httpx.get(f"{url}/health/live", timeout=PROBE_SECONDS, **http_options(url))
        return response.status_code == 200 and response.json() == {"status": "live"}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return False


def _observation(figure: Figure, samples: Figure | None) -> Observation:
    return Observation(figure.value, None if samples is None else samples.value, figure.reason or "")
