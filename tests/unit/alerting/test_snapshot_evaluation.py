"""A snapshot is held against every rule in the scope the rule watches."""

from dataclasses import replace
from datetime import UTC, datetime

from seatrial_alerts.evaluation import AlertKey, StoredState, evaluate_snapshot
from seatrial_core.alerting import AlertState, AlertStatus, NoData, Transition, default_rules
from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.snapshots import Snapshot, SnapshotItem

NOW = datetime(2026, 11, 23, tzinfo=UTC)
THEN = datetime(2008, 10, 10, tzinfo=UTC)


def snapshot(*items: SnapshotItem) -> Snapshot:
    return Snapshot(as_of=NOW, sequence=1, items=list(items))


def item(values: dict[str, float | None], environment: Environment = Environment.PAPER, **scope: str) -> SnapshotItem:
    return SnapshotItem(environment=environment, occurred_at=THEN, values=values, **scope)


def test_a_replay_is_judged_at_its_own_time_and_live_at_the_wall_clock() -> None:
    seen = snapshot(item({"drawdown_ratio": 0.3}, Environment.REPLAY), item({"drawdown_ratio": 0.3}))

    found = {change.key.environment: change for change in evaluate_snapshot(default_rules(), {}, seen, NOW)}

    assert found["replay"].at == THEN
    assert found["paper"].at == NOW
    assert all(change.decision.transition is Transition.FIRING for change in found.values())


def test_stress_traffic_and_other_scopes_are_left_alone() -> None:
    seen = snapshot(
        item({"drawdown_ratio": 0.9}, Environment.STRESS),
        item({"drawdown_ratio": 0.9}, account="a"),
        item({"drawdown_ratio": 0.9}, strategy="s"),
    )

    assert evaluate_snapshot(default_rules(), {}, seen, NOW) == []


def test_each_of_several_accounts_is_watched_beside_the_portfolio() -> None:
    seen = snapshot(
        item({"drawdown_ratio": 0.05}),
        item({"drawdown_ratio": 0.2}, account="a"),
        item({"drawdown_ratio": 0.0}, account="b"),
    )

    found = evaluate_snapshot(default_rules(), {}, seen, NOW)

    assert [change.key.scope for change in found if change.decision.transition] == ["account:a"]


def test_latency_is_watched_endpoint_by_endpoint() -> None:
    seen = snapshot(
        item({"slowest_api_call_seconds": 6.0}, endpoint="place_order"),
        item({"slowest_api_call_seconds": 1.0}, endpoint="balance"),
    )

    found = evaluate_snapshot(default_rules(), {}, seen, NOW)

    assert [change.key for change in found if change.decision.transition] == [
        AlertKey("api_latency_max", "paper", "endpoint:place_order")
    ]


def test_nothing_is_written_while_nothing_changes() -> None:
    seen = snapshot(item({"drawdown_ratio": 0.3}))
    first = evaluate_snapshot(default_rules(), {}, seen, NOW)
    stored = {change.key: StoredState(change.decision.state, 1, "id") for change in first}

    assert evaluate_snapshot(default_rules(), stored, seen, NOW) == []


def test_a_scope_that_vanishes_is_unknown_not_well() -> None:
    first = evaluate_snapshot(default_rules(), {}, snapshot(item({"drawdown_ratio": 0.3})), NOW)
    stored = {change.key: StoredState(change.decision.state, 1, "id") for change in first}

    found = evaluate_snapshot(default_rules(), stored, snapshot(), NOW)

    assert [(change.decision.transition, change.decision.state.is_stale) for change in found] == [(None, True)]
    assert found[0].decision.state.status is AlertStatus.FIRING
    assert "does not contain" in found[0].decision.reason


def test_a_vanished_scope_may_be_taken_for_a_breach_but_not_that_of_a_replay_that_ended() -> None:
    rules = [replace(default_rules()[0], no_data=NoData.FIRE)]
    quiet = StoredState(AlertState(since=THEN), 1)
    stored = {AlertKey("max_drawdown", environment, "portfolio"): quiet for environment in ("paper", "replay")}

    found = evaluate_snapshot(rules, stored, snapshot(), NOW)

    assert [(change.key.environment, change.decision.transition) for change in found] == [("paper", Transition.FIRING)]
