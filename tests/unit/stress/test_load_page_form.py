"""Locust's start form: what its fields mean, and what its default starts."""

import pytest

from seatrial_core.errors import ValidationFailed
from seatrial_stress.load.processes import USER_CLASSES
from seatrial_stress.locust_ui import form
from seatrial_stress.plans.catalog import NAMES


@pytest.mark.parametrize(
    ("fields", "plan"),
    [
        ({}, "high_frequency"),
        ({"user_classes": list(USER_CLASSES.values())}, "high_frequency"),  # Locust's own form ticks all
        ({"user_classes": ["ApiFailure"]}, "api_failure"),
        *(({"plan": [name], "user_classes": list(USER_CLASSES.values())}, name) for name in NAMES),
    ],
)
def test_every_form_that_locust_sends_by_itself_starts_one_plan(fields: dict[str, list[str]], plan: str) -> None:
    request = form.parse({"user_count": ["1"], "spawn_rate": ["1"], "host": ["http://127.0.0.1:5000"], **fields})

    assert (request.plan, request.rate_per_second, request.duration_seconds) == (plan, None, None)


def test_users_are_requests_per_second_and_the_run_time_is_the_duration() -> None:
    request = form.parse({"user_count": ["40"], "run_time": ["1m30s"]})

    assert (request.rate_per_second, request.duration_seconds) == (40.0, 90.0)


def test_a_refusal_says_what_to_write_and_what_was_written() -> None:
    with pytest.raises(ValidationFailed) as refused:
        form.parse({"user_count": ["many"]})

    assert str(refused.value) == (
        "Requests per second must be a whole number from 1 to 2000 (1 takes the rate of the plan); 'many' was sent."
    )
