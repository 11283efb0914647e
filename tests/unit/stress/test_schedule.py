"""The schedule follows from plan and seed alone."""

import math
from itertools import pairwise

import pytest

from seatrial_stress.plans import catalog, schedule


def test_schedule_is_determined_by_the_seed() -> None:
    plan = catalog.get("api_failure")

    first, second = list(schedule.arrivals(plan, "r")), list(schedule.arrivals(plan, "r"))
    reseeded = list(schedule.arrivals(catalog.with_overrides(plan, seed=2), "r"))

    assert first == second
    assert [arrival.at_seconds for arrival in first] != [arrival.at_seconds for arrival in reseeded]


@pytest.mark.parametrize("name", catalog.NAMES)
def test_schedule_has_the_plans_rate_in_order_with_unique_keys(name: str) -> None:
    plan = catalog.with_overrides(catalog.get(name), duration_seconds=100.0)

    arrivals = list(schedule.arrivals(plan, "r"))

    expected = plan.rate_per_second * 100
    assert abs(len(arrivals) - expected) < 5 * math.sqrt(expected * plan.burst_size)
    assert all(earlier.at_seconds <= later.at_seconds for earlier, later in pairwise(arrivals))
    assert len({arrival.key for arrival in arrivals}) == len(arrivals)


def test_faults_and_repeats_have_the_plans_ratios() -> None:
    plan = catalog.with_overrides(catalog.get("api_failure"), duration_seconds=100.0)
    arrivals = list(schedule.arrivals(plan, "r"))

    assert abs(sum(arrival.fault is not None for arrival in arrivals) / len(arrivals) - 0.35) < 0.03
    assert abs(sum(arrival.repeats == 2 for arrival in arrivals) / len(arrivals) - 0.1) < 0.02


def test_requests_of_a_burst_have_the_same_time() -> None:
    arrivals = list(schedule.arrivals(catalog.get("concurrent_trades"), "r"))

    assert len({arrival.at_seconds for arrival in arrivals[:10]}) == 1
