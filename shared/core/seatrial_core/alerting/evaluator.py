"""Decides what an observation does to an alert; the decision carries its reason."""

import math
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from seatrial_core.alerting.rules import NoData, Rule


class AlertStatus(StrEnum):
    """Where an alert stands."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


class Transition(StrEnum):
    """What people are told."""

    FIRING = "firing"
    RESOLVED = "resolved"
    REPEATED = "repeated"


@dataclass(frozen=True)
class Observation:
    """A figure at one instant; `value` None means unknown, with its reason."""

    value: float | None
    samples: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class AlertState:
    """What is remembered of one alert between two observations.

    Args:
        status: Where it stands.
        since: When this status began.
        well_since: While firing: since when the value has been well again.
        notified_at: When people were last told that it fires.
        value: The last known value.
        is_stale: The value is unknown now; what was so is held.
    """

    status: AlertStatus = AlertStatus.INACTIVE
    since: datetime | None = None
    well_since: datetime | None = None
    notified_at: datetime | None = None
    value: float | None = None
    is_stale: bool = False


@dataclass(frozen=True)
class AlertDecision:
    """The state after an observation, what to tell, and why."""

    state: AlertState
    transition: Transition | None
    reason: str


def evaluate(
    rule: Rule, state: AlertState, seen: Observation, now: datetime, told_at: datetime | None = None
) -> AlertDecision:
    """Return what one observation does to an alert.

    An unknown value never resolves an alert and never counts as zero: by the rule's policy it holds what is so, or is
    taken for a breach.

    Args:
        rule: What is watched.
        state: What is remembered.
        seen: The figure.
        now: Its instant: event time in a replay, else the wall clock; going back is treated as standing still.
        told_at: The wall clock, by which reminders are spaced also while years are replayed in seconds; None: `now`.
    """
    told_at = told_at or now
    value, why = _known(rule, seen)
    if value is None and rule.no_data is NoData.HOLD:
        return AlertDecision(replace(state, is_stale=True), None, f"{why}; {state.status.value} is held")
    is_breach = value is None or rule.is_breach(value)
    current = replace(state, is_stale=value is None, value=state.value if value is None else value)
    says = why if value is None else f"{rule.metric} is {value:.6g}, threshold {rule.threshold:g}"
    match state.status:
        case AlertStatus.INACTIVE:
            return _from_inactive(rule, current, is_breach, now, told_at, says)
        case AlertStatus.PENDING:
            return _from_pending(rule, current, is_breach, now, told_at, says)
        case AlertStatus.FIRING:
            is_well = value is not None and rule.is_well(value)
            return _from_firing(rule, current, is_well, now, told_at, says)
        case _:
            assert_never(state.status)


def _known(rule: Rule, seen: Observation) -> tuple[float | None, str]:
    if seen.value is None or not math.isfinite(seen.value):
        return None, f"{rule.metric} is unknown: {seen.reason or 'no data'}"
    if rule.samples_metric and (seen.samples is None or seen.samples < rule.minimum_samples):
        held = "an unknown number" if seen.samples is None else f"{seen.samples:g}"
        return None, f"{rule.metric} rests on {held} of {rule.minimum_samples} needed {rule.samples_metric}"
    return seen.value, ""


def _from_inactive(
    rule: Rule, state: AlertState, is_breach: bool, now: datetime, told_at: datetime, says: str
) -> AlertDecision:
    if not is_breach:
        return AlertDecision(replace(state, since=state.since or now), None, f"{says}: well")
    pending = replace(state, status=AlertStatus.PENDING, since=now)
    if rule.for_seconds <= 0:
        return _fire(pending, now, told_at, says)
    return AlertDecision(pending, None, f"{says}: breached, must stand for {rule.for_seconds:g} s")


def _from_pending(
    rule: Rule, state: AlertState, is_breach: bool, now: datetime, told_at: datetime, says: str
) -> AlertDecision:
    if not is_breach:
        return AlertDecision(
            replace(state, status=AlertStatus.INACTIVE, since=now), None, f"{says}: breach passed before it fired"
        )
    stood = _seconds(state.since, now)
    if stood >= rule.for_seconds:
        return _fire(state, now, told_at, f"{says} for {stood:g} s")
    return AlertDecision(state, None, f"{says}: breached for {stood:g} of {rule.for_seconds:g} s")


def _from_firing(
    rule: Rule, state: AlertState, is_well: bool, now: datetime, told_at: datetime, says: str
) -> AlertDecision:
    if is_well:
        well_since = state.well_since or now
        if _seconds(well_since, now) >= rule.keep_firing_seconds:
            resolved = replace(state, status=AlertStatus.INACTIVE, since=now, well_since=None, notified_at=None)
            return AlertDecision(resolved, Transition.RESOLVED, f"{says}: recovered")
        return AlertDecision(replace(state, well_since=well_since), None, f"{says}: well, kept firing for now")
    state = replace(state, well_since=None)
    if rule.repeat_seconds > 0 and _seconds(state.notified_at, told_at) >= rule.repeat_seconds:
        return AlertDecision(replace(state, notified_at=told_at), Transition.REPEATED, f"{says}: still firing")
    return AlertDecision(state, None, f"{says}: still firing")


def _fire(state: AlertState, now: datetime, told_at: datetime, says: str) -> AlertDecision:
    fired = replace(state, status=AlertStatus.FIRING, since=now, well_since=None, notified_at=told_at)
    return AlertDecision(fired, Transition.FIRING, f"{says}: fired")


def _seconds(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
