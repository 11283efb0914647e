"""Alerts as timelines: observations by second, and the expected notifications."""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial_core.alerting import AlertState, AlertStatus, Comparison, NoData, Observation, Rule, evaluate

START = datetime(2026, 1, 5, tzinfo=UTC)
DRAWDOWN = Rule("max_drawdown", "drawdown_ratio", Comparison.ABOVE, 0.10)


@dataclass(frozen=True)
class Case:
    """A rule, the value at each second, and the expected transitions."""

    id: str
    rule: Rule
    seen: list[tuple[float, float | None]]
    expected: list[tuple[float, str]]
    samples: float | None = None


def run(
    rule: Rule, seen: list[tuple[float, float | None]], samples: float | None = None
) -> tuple[list[tuple[float, str]], AlertState]:
    state = AlertState()
    transitions = []
    for second, value in seen:
        decision = evaluate(rule, state, Observation(value, samples), START + timedelta(seconds=second))
        state = decision.state
        if decision.transition is not None:
            transitions.append((second, decision.transition.value))
    return transitions, state


CASES = [
    Case("fires at the first breach", DRAWDOWN, [(0, 0.05), (1, 0.11), (2, 0.12)], [(1, "firing")]),
    Case("the threshold itself is no breach", DRAWDOWN, [(0, 0.10)], []),
    Case("resolves once", DRAWDOWN, [(0, 0.2), (1, 0.1), (2, 0.0)], [(0, "firing"), (1, "resolved")]),
    Case(
        "fires again after it resolved",
        DRAWDOWN,
        [(0, 0.2), (1, 0.0), (2, 0.2)],
        [(0, "firing"), (1, "resolved"), (2, "firing")],
    ),
    Case(
        "must last for its time",
        replace(DRAWDOWN, for_seconds=2.0),
        [(1, 0.2), (2, 0.2), (3, 0.2), (4, 0.2)],
        [(3, "firing")],
    ),
    Case(
        "a breach that passes starts again",
        replace(DRAWDOWN, for_seconds=2.0),
        [(1, 0.2), (2, 0.0), (3, 0.2), (4, 0.2), (5, 0.2)],
        [(5, "firing")],
    ),
    Case(
        "keeps firing until recovered for long enough",
        replace(DRAWDOWN, keep_firing_seconds=3.0),
        [(0, 0.2), (1, 0.0), (2, 0.2), (3, 0.0), (5, 0.0), (6, 0.0)],
        [(0, "firing"), (6, "resolved")],
    ),
    Case(
        "hysteresis needs the recovery level",
        replace(DRAWDOWN, recovery=0.05),
        [(0, 0.2), (1, 0.08), (2, 0.06), (3, 0.05)],
        [(0, "firing"), (3, "resolved")],
    ),
    Case(
        "an unknown value never resolves",
        DRAWDOWN,
        [(0, 0.2), (1, None), (2, math.nan), (3, math.inf)],
        [(0, "firing")],
    ),
    Case("an unknown value never fires by default", DRAWDOWN, [(0, None), (1, math.nan)], []),
    Case(
        "an unknown value may count as a breach",
        replace(DRAWDOWN, no_data=NoData.FIRE),
        [(0, 0.0), (1, None), (2, None), (3, 0.0)],
        [(1, "firing"), (3, "resolved")],
    ),
    Case(
        "a firing alert is repeated every four hours",
        DRAWDOWN,
        [(0, 0.2), (3600, 0.2), (14_399, 0.2), (14_400, 0.2), (20_000, 0.2), (28_800, 0.2)],
        [(0, "firing"), (14_400, "repeated"), (28_800, "repeated")],
    ),
    Case("a clock that goes back does nothing", DRAWDOWN, [(10, 0.2), (0, 0.2)], [(10, "firing")]),
    Case(
        "too few samples make the value unknown",
        Rule(
            "win_rate_min", "win_rate_ratio", Comparison.BELOW, 0.45, samples_metric="closed_trades", minimum_samples=20
        ),
        [(0, 0.0)],
        [],
        samples=19.0,
    ),
    Case(
        "enough samples count",
        Rule(
            "win_rate_min", "win_rate_ratio", Comparison.BELOW, 0.45, samples_metric="closed_trades", minimum_samples=20
        ),
        [(0, 0.44), (1, 0.45)],
        [(0, "firing"), (1, "resolved")],
        samples=20.0,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_timeline(case: Case) -> None:
    transitions, _ = run(case.rule, case.seen, case.samples)

    assert transitions == case.expected


def test_an_unknown_value_makes_the_alert_stale_with_the_reason() -> None:
    state = evaluate(DRAWDOWN, AlertState(), Observation(0.2), START).state

    decision = evaluate(DRAWDOWN, state, Observation(None, reason="the engine sent no heartbeat"), START)

    assert decision.state.status is AlertStatus.FIRING
    assert decision.state.is_stale
    assert "the engine sent no heartbeat" in decision.reason
    assert decision.state.value == 0.2


def test_reminders_of_a_replay_follow_the_wall_clock() -> None:
    state = evaluate(DRAWDOWN, AlertState(), Observation(0.2), START, wall_time=START).state

    years_later = evaluate(
        DRAWDOWN, state, Observation(0.2), START + timedelta(days=900), wall_time=START + timedelta(seconds=3)
    )

    assert years_later.transition is None


@pytest.mark.parametrize(
    ("threshold", "for_seconds", "recovery", "why"),
    [(math.nan, 0.0, None, "finite"), (0.1, -1.0, None, "at least 0"), (0.1, 0.0, 0.2, "wrong side")],
)
def test_a_contradictory_rule_is_refused(
    threshold: float, for_seconds: float, recovery: float | None, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        replace(DRAWDOWN, threshold=threshold, for_seconds=for_seconds, recovery=recovery)


VALUES = st.one_of(st.none(), st.floats(0, 1), st.just(math.nan))


@given(st.lists(VALUES, max_size=60), st.floats(0, 5), st.floats(0, 5))
def test_firing_and_resolved_alternate_and_only_known_values_resolve(
    values: list[float | None], for_seconds: float, keep_seconds: float
) -> None:
    rule = replace(DRAWDOWN, for_seconds=for_seconds, keep_firing_seconds=keep_seconds)
    seen = [(float(second), value) for second, value in enumerate(values)]

    transitions, state = run(rule, seen)
    changes = [(second, kind) for second, kind in transitions if kind != "repeated"]

    assert [kind for _, kind in changes] == ["firing", "resolved"] * (len(changes) // 2) + ["firing"] * (
        len(changes) % 2
    )
    for second, kind in changes:
        value = values[int(second)]
        assert value is not None
        assert (value > 0.10) == (kind == "firing")
    assert (state.status is AlertStatus.FIRING) == (len(changes) % 2 == 1)
