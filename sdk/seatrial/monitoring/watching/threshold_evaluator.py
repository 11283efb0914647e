"""Judges the five thresholds in this process, with the evaluator that the alerts service uses."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from seatrial.monitoring.collecting.identity import uuid7
from seatrial.monitoring.watching import figures
from seatrial.monitoring.watching.options import MonitorOptions
from seatrial_core.alerting import AlertState, Observation, Rule, RuleScope, Transition, default_rules, evaluate
from seatrial_core.clients import service_url
from seatrial_core.figures.figure import Figure, known, undefined

PROBE_SECONDS = 0.5
NO_CALL = undefined("no call in the last 60 seconds")

Notice = dict[str, Any]  # Any: JSON


class ThresholdEvaluator:
    """Remembers how each threshold stands and tells what began, what ended and what still stands.

    Args:
        chosen: The thresholds, and the account they are about.
    """

    def __init__(self, chosen: MonitorOptions) -> None:
        self._options = chosen
        self._rules = default_rules(chosen.thresholds)
        self._states: dict[tuple[str, str | None], AlertState] = {}

    def judge(self, seen: figures.MonitorReading, now: datetime) -> list[Notice]:
        """Return the notices that one reading gives rise to, in the rules' order."""
        values = figures.values(seen)
        notices = []
        for rule in self._rules:
            for endpoint, figure in self._figures(rule, seen, values).items():
                notice = self._one(rule, endpoint, figure, values.get(rule.samples_metric), now)
                if notice is not None:
                    notices.append(notice)
        return notices

    def _figures(
        self, rule: Rule, seen: figures.MonitorReading, values: Mapping[str, Figure]
    ) -> dict[str | None, Figure]:
        if RuleScope.ENDPOINT not in rule.scopes:
            return {None: values[rule.metric]}
        silent = {endpoint: NO_CALL for name, endpoint in self._states if name == rule.name}
        return {**silent, **{endpoint: known(seconds) for endpoint, seconds in seen.slowest.items()}}

    def _one(
        self, rule: Rule, endpoint: str | None, figure: Figure, samples: Figure | None, now: datetime
    ) -> Notice | None:
        before = self._states.get((rule.name, endpoint), AlertState())
        count = None if samples is None else samples.value
        observation = Observation(figure.value, count, figure.reason or "")
        decision = evaluate(rule, before, observation, now)
        self._states[rule.name, endpoint] = decision.state
        if decision.transition is None:
            return None
        is_over = decision.transition is Transition.RESOLVED
        since = before.since if is_over else decision.state.since
        return {
            "id": str(uuid7(now)),
            "rule": rule.name,
            "state": Transition.RESOLVED.value if is_over else Transition.FIRING.value,
            "repeated": decision.transition is Transition.REPEATED,
            "severity": rule.severity.value,
            "summary": rule.summary,
            "reason": decision.reason,
            "metric": rule.metric,
            "value": decision.state.value,
            "threshold": rule.threshold,
            "account": self._options.account,
            "endpoint": endpoint,
            "environment": self._options.environment,
            "since": _instant(since or now),
            "occurred_at": _instant(now),
        }


def alerts_service_answers() -> bool:
    """Tell whether Seatrial's alerts service answers where it should be."""
    try:
        response = httpx.get(f"{service_url('alerts')}/health/live", timeout=PROBE_SECONDS)
        return response.status_code == 200 and response.json() == {"status": "live"}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return False


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
