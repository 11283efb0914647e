"""Plans are frozen documents; schedules follow from plan and seed alone; journals and memory are read with care."""

import json
import math
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from seatrial_core.contracts.stress import CheckState
from seatrial_core.errors import Forbidden, ValidationFailed
from seatrial_stress.checks import journal, memory_growth, slo
from seatrial_stress.checks.memory_growth import MemorySample
from seatrial_stress.checks.slo import LatencySample
from seatrial_stress.plans import catalog, schedule, targets


def test_the_guides_four_plans_are_known_by_name() -> None:
    assert tuple(catalog.PLANS) == ("high_frequency", "memory_under_load", "concurrent_trades", "api_failure")


def test_unknown_plan_is_refused_with_the_list() -> None:
    with pytest.raises(ValidationFailed, match="high_frequency"):
        catalog.get("high_freqency")


def test_misspelt_field_of_a_plan_is_refused_by_name() -> None:
    document = {**catalog.get("high_frequency").model_dump(mode="json"), "rate": 5}

    with pytest.raises(ValidationFailed, match="`rate`"):
        catalog.read_text(json.dumps(document))


def test_promise_about_requests_that_are_not_sent_is_refused() -> None:
    document = catalog.get("high_frequency").model_dump(mode="json")
    document["slos"] = [{"operation": "check", "quantile": 0.95, "seconds": 1}]

    with pytest.raises(ValidationFailed, match="not in the mix"):
        catalog.read_text(json.dumps(document))


def test_plan_survives_the_way_through_a_file() -> None:
    for each in catalog.PLANS.values():
        assert catalog.read_text(each.model_dump_json()) == each


def test_same_seed_sends_the_same_requests_and_another_seed_others() -> None:
    chosen = catalog.get("api_failure")

    first, again = list(schedule.arrivals(chosen, "r")), list(schedule.arrivals(chosen, "r"))
    other = list(schedule.arrivals(catalog.changed(chosen, seed=2), "r"))

    assert first == again
    assert [each.at_seconds for each in first] != [each.at_seconds for each in other]


@pytest.mark.parametrize("name", catalog.NAMES)
def test_schedule_keeps_rate_order_and_unique_keys(name: str) -> None:
    chosen = catalog.changed(catalog.get(name), duration_seconds=100.0)

    found = list(schedule.arrivals(chosen, "r"))

    expected = chosen.rate_per_second * 100
    assert abs(len(found) - expected) < 5 * math.sqrt(expected * chosen.burst_size)
    assert all(a.at_seconds <= b.at_seconds for a, b in pairwise(found))
    assert len({each.key for each in found}) == len(found)


def test_faults_and_repeats_come_as_often_as_the_plan_says() -> None:
    found = list(schedule.arrivals(catalog.changed(catalog.get("api_failure"), duration_seconds=100.0), "r"))

    assert abs(sum(each.fault is not None for each in found) / len(found) - 0.35) < 0.03
    assert abs(sum(each.repeats == 2 for each in found) / len(found) - 0.1) < 0.02


def test_bursts_leave_at_the_same_instant() -> None:
    found = list(schedule.arrivals(catalog.get("concurrent_trades"), "r"))

    assert len({each.at_seconds for each in found[:10]}) == 1


def test_intent_without_answer_stays_unknown_and_never_becomes_fast() -> None:
    line = {"event": "intent", "key": "r-1", "number": 0, "operation": "signal", "fault": None}
    read = journal.read([json.dumps({**line, "intended": 1.0, "sent": 1.1}), '{"event": "outc'])

    assert read.attempts[0].outcome is journal.OrderOutcome.INFO
    assert read.attempts[0].response_seconds == math.inf
    assert read.problems == ("line 2 cannot be read (JSONDecodeError)",)


def test_exact_bounds_agree_with_clopper_and_pearson() -> None:
    # R: binom.test(3, 100, alternative=...)$conf.int at 95 %: upper 0.07571, lower 0.00823
    samples = [LatencySample(n / 10, 2.0 if n in {10, 45, 80} else 0.0) for n in range(100)]

    found = slo.bounds(samples, 1.0)

    assert found.upper >= 0.0757
    assert found.lower <= 0.0083


@given(bad=some.integers(0, 50), n=some.integers(50, 500))
def test_bounds_hold_the_ratio(bad: int, n: int) -> None:
    found = slo.bounds([LatencySample(k / 20, float(k < bad)) for k in range(n)], 0.5)

    assert 0 <= found.lower <= found.ratio + 1e-9
    assert found.ratio - 1e-9 <= found.upper <= 1


def test_memory_that_grows_is_found_and_memory_that_does_not_passes() -> None:
    random = Random(1)
    noise = [random.randrange(2 << 20) for _ in range(80)]
    flat = [MemorySample(n * 0.25, (100 << 20) + noise[n]) for n in range(80)]
    grows = [MemorySample(n * 0.25, (100 << 20) + noise[n] + (n << 21)) for n in range(80)]

    assert memory_growth.judge(flat, 1_000, 20.0, 50.0).state is CheckState.PASS
    assert memory_growth.judge(grows, 1_000, 20.0, 50.0).state is CheckState.FAIL
    assert memory_growth.judge(flat[:8], 1_000, 20.0, 50.0).state is CheckState.INCONCLUSIVE
    assert memory_growth.judge([], 1_000, 20.0, 50.0).state is CheckState.UNKNOWN


@pytest.mark.parametrize("url", ["http://127.0.0.1:5000", "http://localhost:5000/", "http://[::1]:5000"])
def test_load_may_go_to_this_machine(url: str) -> None:
    assert targets.allowed(url, ()) == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["http://example.com", "http://127.0.0.1.example.com", "http://169.254.169.254", "https://10.0.0.1:5000"]
)
def test_load_may_go_nowhere_else_unless_named(url: str) -> None:
    with pytest.raises(Forbidden):
        targets.allowed(url, ("http://engine:5000",))

    assert targets.allowed(url, (url + "/",)) == url


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "http://a@127.0.0.1:5000", "http://127.0.0.1:x", ""])
def test_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationFailed):
        targets.allowed(url, ())


def test_nobody_but_the_generator_can_import_locust() -> None:
    folder = Path(catalog.__file__).parents[1]
    importing = [file for file in folder.rglob("*.py") if "import locust" in file.read_text(encoding="utf-8")]

    assert [file.name for file in importing] == ["scenario.py"]
