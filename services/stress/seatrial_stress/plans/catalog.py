"""The four plans of the guide, and reading a plan of one's own."""

import json
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError

from seatrial_core.contracts.stress import PlanName, Slo, StressPlan
from seatrial_core.errors import FieldError, ValidationFailed, field_error

NAMES: tuple[PlanName, ...] = get_args(PlanName)
FAST = (Slo(quantile=0.95, seconds=0.25), Slo(quantile=0.99, seconds=1.0))

PLANS: Mapping[str, StressPlan] = {
    plan.name: plan
    for plan in (
        StressPlan(
            name="high_frequency",
            users="high_frequency",
            description="Many small orders, one after the other.",
            rate_per_second=60,
            slos=FAST,
        ),
        StressPlan(
            name="memory_under_load",
            users="memory_under_load",
            description="Orders and questions while the engine's memory is watched.",
            rate_per_second=50,
            mix={"signal": 0.8, "check": 0.2},
            slos=FAST,
            memory_mb_per_1000_orders=50,
        ),
        StressPlan(
            name="concurrent_trades",
            users="concurrent_trades",
            description="Bursts of orders on one symbol at the same instant.",
            rate_per_second=50,
            burst_size=10,
            symbols=("BTCUSDT",),
            slos=(Slo(quantile=0.95, seconds=0.5), Slo(quantile=0.99, seconds=1.5)),
        ),
        StressPlan(
            name="api_failure",
            users="api_failure",
            description="The exchange refuses, fails, loses answers; some orders are sent twice.",
            rate_per_second=50,
            repeat_ratio=0.1,
            faults={
                "connect_refused": 0.05,
                "timeout": 0.05,
                "server_error": 0.05,
                "rate_limited": 0.05,
                "timeout_executed": 0.05,
                "server_error_executed": 0.05,
                "nan_body": 0.05,
            },
            slos=(Slo(quantile=0.95, seconds=0.5), Slo(quantile=0.99, seconds=1.5)),
        ),
    )
}


def get(name: str) -> StressPlan:
    """Return a plan by name.

    Raises:
        ValidationFailed: There is no plan of that name.
    """
    if name not in PLANS:
        raise field_error("plan", name, ", ".join(PLANS))
    return PLANS[name]


def read_text(text: str) -> StressPlan:
    """Read a plan from JSON.

    Raises:
        ValidationFailed: Naming every field that is wrong, what was found and what is allowed.
    """
    try:
        return StressPlan.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        raise field_error("plan", text[:40], f"a JSON document ({error})") from error
    except ValidationError as error:
        raise _refused(error) from error


def changed(plan: StressPlan, **values: Any) -> StressPlan:  # Any: each field has a type of its own
    """Return a plan with other values, validated; those that are None stay as they are."""
    given = {name: value for name, value in values.items() if value is not None}
    if "duration_seconds" in given and plan.warm_up_seconds >= given["duration_seconds"]:
        given["warm_up_seconds"] = given["duration_seconds"] / 10
    try:
        return StressPlan.model_validate({**plan.model_dump(), **given})
    except ValidationError as error:
        raise _refused(error) from error


def _refused(error: ValidationError) -> ValidationFailed:
    problems = [
        FieldError(".".join(str(part) for part in item["loc"]) or "plan", repr(item.get("input"))[:100], item["msg"])
        for item in error.errors(include_url=False)
    ]
    said = "; ".join(f"`{each.field}` was {each.value}; {each.allowed}" for each in problems)
    return ValidationFailed(f"the plan is not usable: {said}", errors=problems)
