"""Evaluates all rules on a snapshot and returns which alerts change; pure."""

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

MAX_DELAY = timedelta(minutes=1)  # of a snapshot between its reading and its evaluation
MISSING = Observation(None, reason="the newest snapshot does not contain it")


@dataclass(frozen=True)
class AlertKey:
    """Identifies an alert: one rule in one scope of one environment."""

    rule: str
    environment: str
    scope: str


@dataclass(frozen=True)
class StoredState:
    """A stored state, and the version it was read at."""

    state: AlertState
    version: int = 0
    alert_id: str | None = None


@dataclass(frozen=True)
class AlertChange:
    """What one observation changed in one alert."""

    key: AlertKey
    rule: Rule
    before: StoredState
    decision: AlertDecision
    at: datetime


def evaluate_snapshot(
    rules: Iterable[Rule], stored: Mapping[AlertKey, StoredState], snapshot: Snapshot, now: datetime
) -> list[AlertChange]:
    """Return what a snapshot changes.

    Args:
        rules: All rules.
        stored: The stored states.
        snapshot: The figures; a replay is evaluated at its own time, stress traffic not at all.
        now: The wall clock.
    """
    account_counts = Counter(item.environment for item in snapshot.items if item.account is not None)
    items = [
        (item, scope) for item in snapshot.items if (scope := scope_of(item)) and _is_evaluated(item, account_counts)
    ]
    by_name = {rule.name: rule for rule in rules}
    present: set[AlertKey] = set()
    results = []
    for rule in by_name.values():
        for item, (kind, name) in items:
            if kind in rule.scopes and _has_metric(rule, item):
                key = AlertKey(rule.name, item.environment.value, name)
                present.add(key)
                at = item.occurred_at if item.environment is Environment.REPLAY else now
                results.append(_change(rule, key, _observation(rule, item), stored, at, now))
    missing = [(key, by_name[key.rule]) for key in stored if key not in present and key.rule in by_name]
    results += [_change(rule, key, MISSING, stored, now, now) for key, rule in missing if _is_unknown(rule, key)]
    return [change for change in results if change is not None]


def is_outdated(snapshot: Snapshot, last_sequence: int, last_as_of: datetime) -> bool:
    """Return whether a snapshot is older than the one that was last evaluated.

    A late answer is late by less than a minute. A lower sequence that was read more than a minute later is none: the
    ledger was replaced, for example restored from a backup. The same sequence, read more than a minute earlier, is none
    either: the clock of the metrics service was set back. Such snapshots count.

    Args:
        snapshot: The figures.
        last_sequence: Ledger sequence of the last evaluated snapshot.
        last_as_of: When that snapshot was read.
    """
    if snapshot.sequence < last_sequence:
        return snapshot.as_of - last_as_of <= MAX_DELAY
    is_earlier = timedelta(0) < last_as_of - snapshot.as_of <= MAX_DELAY
    return snapshot.sequence == last_sequence and is_earlier


def count_matches(rules: Iterable[Rule], snapshot: Snapshot) -> dict[str, int]:
    """Return how many figures each rule is evaluated on; a rule with 0 can never fire."""
    kinds = [(item, scope[0]) for item in snapshot.items if (scope := scope_of(item))]
    return {rule.name: sum(kind in rule.scopes and _has_metric(rule, item) for item, kind in kinds) for rule in rules}


def scope_of(item: SnapshotItem) -> tuple[RuleScope, str] | None:
    """Return the scope of an item and its name in alerts; None for a combination that no rule evaluates."""
    named = [
        (RuleScope.ACCOUNT, item.account),
        (RuleScope.STRATEGY, item.strategy),
        (RuleScope.ENDPOINT, item.endpoint),
        (RuleScope.ENGINE, item.engine),
    ]
    scopes = [(kind, name) for kind, name in named if name is not None]
    if not scopes:
        return RuleScope.PORTFOLIO, RuleScope.PORTFOLIO.value
    if len(scopes) > 1:
        return None
    kind, name = scopes[0]
    return kind, f"{kind.value}:{name}"


def _is_evaluated(item: SnapshotItem, account_counts: Mapping[Environment, int]) -> bool:
    # The only account of an environment equals its portfolio: one alert is enough.
    is_only_account = item.account is not None and account_counts[item.environment] == 1
    return item.environment is not Environment.STRESS and not is_only_account


def _has_metric(rule: Rule, item: SnapshotItem) -> bool:
    return rule.metric in item.values or rule.metric in item.undefined


def _is_unknown(rule: Rule, key: AlertKey) -> bool:
    # A replay ends without a fault: with `no_data = fire` its end is no breach.
    return rule.no_data is NoData.HOLD or key.environment != Environment.REPLAY.value


def _observation(rule: Rule, item: SnapshotItem) -> Observation:
    return Observation(
        value=item.values.get(rule.metric),
        samples=item.values.get(rule.samples_metric) if rule.samples_metric else None,
        reason=item.undefined.get(rule.metric, ""),
    )


def _change(
    rule: Rule,
    key: AlertKey,
    observation: Observation,
    stored: Mapping[AlertKey, StoredState],
    at: datetime,
    now: datetime,
) -> AlertChange | None:
    before = stored.get(key, StoredState(AlertState()))
    decision = evaluate(rule, before.state, observation, at, wall_time=now)
    if decision.transition is None and not _is_worth_storing(before.state, decision.state):
        return None
    return AlertChange(key, rule, before, decision, at)


def _is_worth_storing(before: AlertState, after: AlertState) -> bool:
    # A new value of an inactive alert is not stored: it would be a write for every rule and snapshot.
    if before.status is AlertStatus.INACTIVE and after.status is AlertStatus.INACTIVE:
        return before.is_stale != after.is_stale and before.since is not None
    return before != after
