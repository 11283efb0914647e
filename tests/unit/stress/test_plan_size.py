"""The size of a plan is known and limited before any request is made, and no schedule is held whole."""

import tracemalloc
from itertools import islice

import pytest

from seatrial_core.errors import ValidationFailed
from seatrial_stress.plans import catalog, plan_size, schedule

LARGE = catalog.with_overrides(catalog.get("high_frequency"), rate_per_second=2_000, duration_seconds=300)


def test_plan_over_the_limit_is_refused_with_its_size_and_the_setting() -> None:
    with pytest.raises(ValidationFailed) as refused:
        plan_size.require_size(LARGE, 250_000)

    assert "about 600,000 requests (2000 per second for 300 seconds); at most 250,000" in refused.value.detail
    assert "SEATRIAL_STRESS_MAX_REQUESTS" in refused.value.detail
    assert [error.field for error in refused.value.errors] == ["duration_seconds"]


def test_plan_at_the_limit_is_accepted_and_repeats_count() -> None:
    plan_size.require_size(LARGE, 600_000)

    with pytest.raises(ValidationFailed, match="900,000"):
        plan_size.require_size(catalog.with_overrides(LARGE, repeat_ratio=0.5), 600_000)


def test_first_request_of_the_largest_plan_needs_no_memory_for_the_others() -> None:
    longest = catalog.with_overrides(LARGE, duration_seconds=3_600)
    tracemalloc.start()
    first = list(islice(schedule.part(longest, "r", 1, 4), 1_000))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(first) == 1_000
    assert peak_bytes < 2_000_000


def test_parts_of_all_workers_are_the_schedule() -> None:
    plan = catalog.with_overrides(catalog.get("api_failure"), duration_seconds=10)
    whole = list(schedule.arrivals(plan, "r"))

    parts = [list(schedule.part(plan, "r", worker, 3)) for worker in range(3)]

    assert sorted((arrival for part in parts for arrival in part), key=lambda arrival: arrival.key) == whole
    assert schedule.count(plan, "r") == (len(whole), sum(arrival.repeats == 2 for arrival in whole))
