"""A snapshot is evaluated with every rule in the scopes of the rule."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from seatrial_alerts.evaluation import AlertKey, StoredState, evaluate_snapshot, is_outdated
from seatrial_core.alerting import AlertState, AlertStatus, NoData, Transition, default_rules
from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.snapshots import Snapshot, SnapshotItem

NOW = datetime(2026, 11, 23, tzinfo=UTC)
THEN = datetime(2008, 10, 10, tzinfo=UTC)


def snapshot(*items: SnapshotItem) -> Snapshot:
    return Snapshot(as_of=NOW, sequence=1, items=list(items))


def item(values: dict[str, float | None], environment: Environment = Environment.PAPER, **scope: str) -> SnapshotItem:
    return SnapshotItem(environment=environment, occurred_at=THEN, values=values, **scope)


def test_a_replay_is_evaluated_at_event_time_and_live_at_the_wall_clock() -> None:
    newest = snapshot(item({"drawdown_ratio": 0.3}, Environment.REPLAY), item({"drawdown_ratio": 0.3}))

    by_environment = {change.key.environment: change for change in evaluate_snapshot(default_rules(), {}, newest, NOW)}

    assert by_environment["replay"].at == THEN
    assert by_environment["paper"].at == NOW
    assert all(change.decision.transition is Transition.FIRING for change in by_environment.values())


@pytest.mark.parametrize(
    ("sequence", "seconds_later", "outdated"),
    [
        (5, 0, False),  # the same snapshot again: time has passed for rules with a duration
        (6, 0, False),
        (5, -1, True),
        (5, -60, True),
        (5, -61, False),  # the clock of the metrics service was set back
        (6, -1, False),
        (4, 0, True),
        (4, 60, True),
        (4, 61, False),  # the ledger was replaced
    ],
)
def test_only_a_snapshot_older_than_the_last_one_is_outdated(sequence: int, seconds_later: int, outdated: bool) -> None:
    later = Snapshot(as_of=NOW + timedelta(seconds=seconds_later), sequence=sequence, items=[])

    assert is_outdated(later, last_sequence=5, last_as_of=NOW) is outdated


def test_stress_traffic_and_other_scopes_are_not_evaluated() -> None:
    newest = snapshot(
        item({"drawdown_ratio": 0.9}, Environment.STRESS),
        item({"drawdown_ratio": 0.9}, account="a"),
        item({"drawdown_ratio": 0.9}, strategy="s"),
    )

    assert evaluate_snapshot(default_rules(), {}, newest, NOW) == []


def test_each_of_several_accounts_is_evaluated_besides_the_portfolio() -> None:
    newest = snapshot(
        item({"drawdown_ratio": 0.05}),
        item({"drawdown_ratio": 0.2}, account="a"),
        item({"drawdown_ratio": 0.0}, account="b"),
    )

    changes = evaluate_snapshot(default_rules(), {}, newest, NOW)

    assert [change.key.scope for change in changes if change.decision.transition] == ["account:a"]


def test_latency_is_evaluated_by_endpoint() -> None:
    newest = snapshot(
        item({"slowest_api_call_seconds": 6.0}, endpoint="place_order"),
        item({"slowest_api_call_seconds": 1.0}, endpoint="balance"),
    )

    changes = evaluate_snapshot(default_rules(), {}, newest, NOW)

    assert [change.key for change in changes if change.decision.transition] == [
        AlertKey("api_latency_max", "paper", "endpoint:place_order")
    ]


def test_nothing_is_written_while_nothing_changes() -> None:
    newest = snapshot(item({"drawdown_ratio": 0.3}))
    first = evaluate_snapshot(default_rules(), {}, newest, NOW)
    stored = {change.key: StoredState(change.decision.state, 1, "id") for change in first}

    assert evaluate_snapshot(default_rules(), stored, newest, NOW) == []


def test_a_missing_scope_is_unknown_not_recovered() -> None:
    first = evaluate_snapshot(default_rules(), {}, snapshot(item({"drawdown_ratio": 0.3})), NOW)
    stored = {change.key: StoredState(change.decision.state, 1, "id") for change in first}

    changes = evaluate_snapshot(default_rules(), stored, snapshot(), NOW)

    assert [(change.decision.transition, change.decision.state.is_stale) for change in changes] == [(None, True)]
    assert changes[0].decision.state.status is AlertStatus.FIRING
    assert "does not contain" in changes[0].decision.reason


def test_a_missing_scope_may_count_as_a_breach_but_not_the_end_of_a_replay() -> None:
    rules = [replace(default_rules()[0], no_data=NoData.FIRE)]
    quiet = StoredState(AlertState(since=THEN), 1)
    stored = {AlertKey("max_drawdown", environment, "portfolio"): quiet for environment in ("paper", "replay")}

    changes = evaluate_snapshot(rules, stored, snapshot(), NOW)

    assert [(change.key.environment, change.decision.transition) for change in changes] == [
        ("paper", Transition.FIRING)
    ]
