"""Decides what an observation does to an alert; the decision carries its reason."""

import math
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from seatrial_core.alerting.rules import NoData, Rule


class AlertStatus(StrEnum):
    """The status of an alert."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


class Transition(StrEnum):
    """What is notified."""

    FIRING = "firing"
    RESOLVED = "resolved"
    REPEATED = "repeated"


@dataclass(frozen=True)
class Observation:
    """A figure at one instant.

    Args:
        value: In the figure's own unit; None if unknown.
        samples: How many samples the value is computed from; None if unknown.
        reason: Why the value is unknown.
    """

    value: float | None
    samples: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class AlertState:
    """What is stored of one alert between two observations.

    Args:
        status: Inactive, pending or firing.
        since: When this status began.
        recovering_since: While firing: when the value recovered; None while it has not.
        notified_at: When the newest notification that it fires was sent.
        value: The last known value.
        is_stale: The value is unknown now, and the status is the last one that was known.
    """

    status: AlertStatus = AlertStatus.INACTIVE
    since: datetime | None = None
    recovering_since: datetime | None = None
    notified_at: datetime | None = None
    value: float | None = None
    is_stale: bool = False


@dataclass(frozen=True)
class AlertDecision:
    """The state after an observation, the transition to notify, and the reason."""

    state: AlertState
    transition: Transition | None
    reason: str


def evaluate(
    rule: Rule, state: AlertState, observation: Observation, now: datetime, wall_time: datetime | None = None
) -> AlertDecision:
    """Return what one observation does to an alert.

    An unknown value never resolves an alert and never counts as zero: by the rule's `no_data` it keeps the status, or
    counts as a breach.

    Args:
        rule: The rule.
        state: The stored state.
        observation: The figure.
        now: Its instant: event time in a replay, else the wall clock; an earlier instant counts as no time passed.
        wall_time: The wall clock, which spaces reminders also while a replay runs faster; None means `now`.
    """
    wall_time = wall_time or now
    value, unknown = _usable_value(rule, observation)
    if value is None and rule.no_data is NoData.HOLD:
        return AlertDecision(replace(state, is_stale=True), None, f"{unknown}; the alert stays {state.status.value}")
    is_breach = value is None or rule.is_breach(value)
    current = replace(state, is_stale=value is None, value=state.value if value is None else value)
    reason = unknown if value is None else f"{rule.metric} is {value:.6g}, threshold {rule.threshold:g}"
    match state.status:
        case AlertStatus.INACTIVE:
            return _from_inactive(rule, current, is_breach, now, wall_time, reason)
        case AlertStatus.PENDING:
            return _from_pending(rule, current, is_breach, now, wall_time, reason)
        case AlertStatus.FIRING:
            is_recovered = value is not None and rule.is_recovered(value)
            return _from_firing(rule, current, is_recovered, now, wall_time, reason)
        case _:
            assert_never(state.status)


def _usable_value(rule: Rule, observation: Observation) -> tuple[float | None, str]:
    if observation.value is None or not math.isfinite(observation.value):
        return None, f"{rule.metric} is unknown: {observation.reason or 'no data'}"
    if rule.samples_metric and (observation.samples is None or observation.samples < rule.minimum_samples):
        count = "an unknown number" if observation.samples is None else f"{observation.samples:g}"
        return None, f"{rule.metric} needs {rule.minimum_samples} {rule.samples_metric}, there are {count}"
    return observation.value, ""


def _from_inactive(
    rule: Rule, state: AlertState, is_breach: bool, now: datetime, wall_time: datetime, reason: str
) -> AlertDecision:
    if not is_breach:
        return AlertDecision(replace(state, since=state.since or now), None, f"{reason}: within the threshold")
    pending = replace(state, status=AlertStatus.PENDING, since=now)
    if rule.for_seconds <= 0:
        return _fire(pending, now, wall_time, reason)
    return AlertDecision(pending, None, f"{reason}: breached, fires after {rule.for_seconds:g} s")


def _from_pending(
    rule: Rule, state: AlertState, is_breach: bool, now: datetime, wall_time: datetime, reason: str
) -> AlertDecision:
    if not is_breach:
        return AlertDecision(
            replace(state, status=AlertStatus.INACTIVE, since=now), None, f"{reason}: recovered before it fired"
        )
    pending_seconds = _seconds(state.since, now)
    if pending_seconds >= rule.for_seconds:
        return _fire(state, now, wall_time, f"{reason} for {pending_seconds:g} s")
    return AlertDecision(state, None, f"{reason}: breached for {pending_seconds:g} of {rule.for_seconds:g} s")


def _from_firing(
    rule: Rule, state: AlertState, is_recovered: bool, now: datetime, wall_time: datetime, reason: str
) -> AlertDecision:
    if is_recovered:
        recovering_since = state.recovering_since or now
        if _seconds(recovering_since, now) >= rule.keep_firing_seconds:
            resolved = replace(state, status=AlertStatus.INACTIVE, since=now, recovering_since=None, notified_at=None)
            return AlertDecision(resolved, Transition.RESOLVED, f"{reason}: recovered")
        recovering = replace(state, recovering_since=recovering_since)
        return AlertDecision(recovering, None, f"{reason}: recovering, resolves after {rule.keep_firing_seconds:g} s")
    state = replace(state, recovering_since=None)
    if rule.repeat_seconds > 0 and _seconds(state.notified_at, wall_time) >= rule.repeat_seconds:
        return AlertDecision(replace(state, notified_at=wall_time), Transition.REPEATED, f"{reason}: still firing")
    return AlertDecision(state, None, f"{reason}: still firing")


def _fire(state: AlertState, now: datetime, wall_time: datetime, reason: str) -> AlertDecision:
    fired = replace(state, status=AlertStatus.FIRING, since=now, recovering_since=None, notified_at=wall_time)
    return AlertDecision(fired, Transition.FIRING, f"{reason}: fired")


def _seconds(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
