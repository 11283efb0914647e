"""The circuit breaker trips when a rule that halts fires where orders are real, and at nothing else."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from seatrial_alerts.breaker import is_tripped
from seatrial_alerts.evaluation import AlertChange, AlertKey, StoredState
from seatrial_core.alerting import AlertDecision, AlertState, RuleAction, Transition, default_rules
from seatrial_core.contracts.events import Environment

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("action", "environment", "transition", "trips"),
    [
        (RuleAction.HALT, "live", Transition.FIRING, True),
        (RuleAction.HALT, "paper", Transition.FIRING, True),
        (RuleAction.HALT, "replay", Transition.FIRING, False),
        (RuleAction.HALT, "stress", Transition.FIRING, False),
        (RuleAction.HALT, "live", Transition.REPEATED, False),
        (RuleAction.HALT, "live", Transition.RESOLVED, False),
        (RuleAction.HALT, "live", None, False),
        (RuleAction.NONE, "live", Transition.FIRING, False),
    ],
)
def test_only_a_halting_rule_that_begins_to_fire_trips(
    action: RuleAction, environment: str, transition: Transition | None, trips: bool
) -> None:
    rule = replace(default_rules()[0], action=action)
    decision = AlertDecision(AlertState(), transition, "a reason")
    change = AlertChange(AlertKey(rule.name, environment, "portfolio"), rule, StoredState(AlertState()), decision, NOW)

    assert is_tripped(change) is trips


def test_only_alerts_of_live_and_paper_trading_halt_the_engine() -> None:
    rule = replace(default_rules()[0], action=RuleAction.HALT)
    decision = AlertDecision(AlertState(), Transition.FIRING, "a reason")
    halting = {
        environment
        for environment in (*Environment, "Live", "livelike", "")
        if is_tripped(
            AlertChange(AlertKey(rule.name, environment, "account:a"), rule, StoredState(AlertState()), decision, NOW)
        )
    }

    assert halting == {"live", "paper"}
