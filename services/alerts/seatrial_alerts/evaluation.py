"""Holds a snapshot against the rules: which alerts change, and what is to be told. Values in, values out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from seatrial_core.alerting import (
    AlertDecision,
    AlertState,
    AlertStatus,
    NoData,
    Observation,
    Rule,
    RuleScope,
    evaluate,
)
from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.snapshots import Snapshot, SnapshotItem

LEDGER_REPLACED_AFTER = timedelta(minutes=1)
VANISHED = Observation(None, reason="the newest snapshot no longer tells it")


@dataclass(frozen=True)
class AlertKey:
    """Which alert: one rule in one scope of one environment."""

    rule: str
    environment: str
    scope: str


@dataclass(frozen=True)
class StoredState:
    """A state as it is stored, with the version it was read at."""

    state: AlertState
    version: int = 0
    alert_id: str | None = None


@dataclass(frozen=True)
class AlertChange:
    """What one observation did to one alert."""

    key: AlertKey
    rule: Rule
    before: StoredState
    decision: AlertDecision
    at: datetime


def changes(
    rules: Iterable[Rule], remembered: Mapping[AlertKey, StoredState], snapshot: Snapshot, now: datetime
) -> list[AlertChange]:
    """Return what is different after a snapshot.

    Args:
        rules: All rules.
        remembered: What is stored, by alert.
        snapshot: The figures; those of an environment `replay` are judged at their own time, stress ones not at all.
        now: The wall clock.
    """
    crowds = Counter(item.environment for item in snapshot.items if item.account is not None)
    watched = [(item, scope) for item in snapshot.items if (scope := scope_of(item)) and _is_watched(item, crowds)]
    by_name = {rule.name: rule for rule in rules}
    seen: set[AlertKey] = set()
    found = []
    for rule in by_name.values():
        for item, (kind, name) in watched:
            if kind in rule.scopes and _is_told(rule, item):
                key = AlertKey(rule.name, item.environment.value, name)
                seen.add(key)
                at = item.occurred_at if item.environment is Environment.REPLAY else now
                found.append(_change(rule, key, _observed(rule, item), remembered, at, now))
    missing = [(key, by_name[key.rule]) for key in remembered if key not in seen and key.rule in by_name]
    found += [_change(rule, key, VANISHED, remembered, now, now) for key, rule in missing if _is_missed(rule, key)]
    return [change for change in found if change is not None]


def is_outdated(snapshot: Snapshot, last_sequence: int, last_as_of: datetime) -> bool:
    """Return whether a snapshot is older than the one that was last evaluated.

    A lower sequence read much later is no late answer but another ledger (restored from a backup), which counts.

    Args:
        snapshot: The figures.
        last_sequence: Ledger sequence of the last evaluated snapshot.
        last_as_of: When that snapshot was read.
    """
    is_replaced = snapshot.as_of - last_as_of > LEDGER_REPLACED_AFTER
    return (snapshot.sequence, snapshot.as_of) < (last_sequence, last_as_of) and not is_replaced


def matched(rules: Iterable[Rule], snapshot: Snapshot) -> dict[str, int]:
    """Return how many figures each rule is held against; 0 is a rule that can never fire."""
    kinds = [(item, scope[0]) for item in snapshot.items if (scope := scope_of(item))]
    return {rule.name: sum(kind in rule.scopes and _is_told(rule, item) for item, kind in kinds) for rule in rules}


def scope_of(item: SnapshotItem) -> tuple[RuleScope, str] | None:
    """Return what an item is about, and its name among the alerts; None for a mixture that no rule watches."""
    named = [
        (RuleScope.ACCOUNT, item.account),
        (RuleScope.STRATEGY, item.strategy),
        (RuleScope.ENDPOINT, item.endpoint),
    ]
    given = [(kind, name) for kind, name in named if name is not None]
    if not given:
        return RuleScope.PORTFOLIO, RuleScope.PORTFOLIO.value
    if len(given) > 1:
        return None
    kind, name = given[0]
    return kind, f"{kind.value}:{name}"


def _is_watched(item: SnapshotItem, crowds: Mapping[Environment, int]) -> bool:
    """Leave out stress traffic, and the only account of an environment: it is the portfolio, told once is enough."""
    return item.environment is not Environment.STRESS and (item.account is None or crowds[item.environment] > 1)


def _is_told(rule: Rule, item: SnapshotItem) -> bool:
    return rule.metric in item.values or rule.metric in item.undefined


def _is_missed(rule: Rule, key: AlertKey) -> bool:
    """Tell whether a scope that is no longer told is unknown; a replay that ended is not, unless its alert stands."""
    return rule.no_data is NoData.HOLD or key.environment != Environment.REPLAY.value


def _observed(rule: Rule, item: SnapshotItem) -> Observation:
    return Observation(
        value=item.values.get(rule.metric),
        samples=item.values.get(rule.samples_metric) if rule.samples_metric else None,
        reason=item.undefined.get(rule.metric, ""),
    )


def _change(
    rule: Rule,
    key: AlertKey,
    seen: Observation,
    remembered: Mapping[AlertKey, StoredState],
    at: datetime,
    now: datetime,
) -> AlertChange | None:
    before = remembered.get(key, StoredState(AlertState()))
    decision = evaluate(rule, before.state, seen, at, told_at=now)
    if decision.transition is None and not _is_worth_storing(before.state, decision.state):
        return None
    return AlertChange(key, rule, before, decision, at)


def _is_worth_storing(before: AlertState, after: AlertState) -> bool:
    """Leave out what only moves the last value of a quiet alert: it would be a write for every rule and snapshot."""
    if before.status is AlertStatus.INACTIVE and after.status is AlertStatus.INACTIVE:
        return before.is_stale != after.is_stale and before.since is not None
    return before != after
