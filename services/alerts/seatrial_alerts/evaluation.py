"""Holds a snapshot against the rules: which alerts change, and what is to be told. Values in, values out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from seatrial_shared.alerting import Decision, Observation, Rule, Scope, State, Status, evaluate
from seatrial_shared.contracts.events import Environment
from seatrial_shared.contracts.snapshots import Snapshot, SnapshotItem


@dataclass(frozen=True)
class Key:
    """Which alert: one rule in one scope of one environment."""

    rule: str
    environment: str
    scope: str


@dataclass(frozen=True)
class Remembered:
    """A state as it is stored, with the version it was read at."""

    state: State
    version: int = 0
    alert_id: str | None = None


@dataclass(frozen=True)
class Change:
    """What one observation did to one alert."""

    key: Key
    rule: Rule
    before: Remembered
    decision: Decision
    at: datetime


def changes(
    rules: Iterable[Rule], remembered: Mapping[Key, Remembered], snapshot: Snapshot, now: datetime
) -> list[Change]:
    """Return what is different after a snapshot.

    Args:
        rules: All rules.
        remembered: What is stored, by alert.
        snapshot: The figures; those of an environment `replay` are judged at their own time, stress ones not at all.
        now: The wall clock.
    """
    watched = [(item, scope) for item in snapshot.items if (scope := scope_of(item)) and _is_watched(item, snapshot)]
    found = []
    for rule in rules:
        for item, (kind, name) in watched:
            change = _change(rule, item, name, remembered, now) if kind in rule.scopes else None
            if change is not None:
                found.append(change)
    return found


def scope_of(item: SnapshotItem) -> tuple[Scope, str] | None:
    """Return what an item is about, and its name among the alerts; None for a mixture that no rule watches."""
    named = [(Scope.ACCOUNT, item.account), (Scope.STRATEGY, item.strategy), (Scope.ENDPOINT, item.endpoint)]
    given = [(kind, name) for kind, name in named if name is not None]
    if not given:
        return Scope.PORTFOLIO, Scope.PORTFOLIO.value
    if len(given) > 1:
        return None
    kind, name = given[0]
    return kind, f"{kind.value}:{name}"


def _is_watched(item: SnapshotItem, snapshot: Snapshot) -> bool:
    """Leave out stress traffic, and the only account of an environment: it is the portfolio, told once is enough."""
    if item.environment is Environment.STRESS:
        return False
    if item.account is None:
        return True
    accounts = [each for each in snapshot.items if each.account is not None and each.environment is item.environment]
    return len(accounts) > 1


def _change(
    rule: Rule, item: SnapshotItem, scope: str, remembered: Mapping[Key, Remembered], now: datetime
) -> Change | None:
    if rule.metric not in item.values and rule.metric not in item.undefined:
        return None
    key = Key(rule.name, item.environment.value, scope)
    before = remembered.get(key, Remembered(State()))
    at = item.occurred_at if item.environment is Environment.REPLAY else now
    seen = Observation(
        value=item.values.get(rule.metric),
        samples=item.values.get(rule.samples_metric) if rule.samples_metric else None,
        reason=item.undefined.get(rule.metric, ""),
    )
    decision = evaluate(rule, before.state, seen, at, told_at=now)
    if decision.transition is None and not _is_worth_storing(before.state, decision.state):
        return None
    return Change(key, rule, before, decision, at)


def _is_worth_storing(before: State, after: State) -> bool:
    """Leave out what only moves the last value of a quiet alert: it would be a write for every rule and snapshot."""
    if before.status is Status.INACTIVE and after.status is Status.INACTIVE:
        return before.is_stale != after.is_stale and before.since is not None
    return before != after
