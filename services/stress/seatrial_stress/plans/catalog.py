"""The four built-in plans, and plans read from JSON."""

import json
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError

from seatrial_core.contracts.stress import PlanName, Slo, StressPlan
from seatrial_core.errors import FieldError, ValidationFailed, field_error

NAMES: tuple[PlanName, ...] = get_args(PlanName)
FAST = (Slo(quantile=0.95, seconds=0.25), Slo(quantile=0.99, seconds=1.0))

MAX_TEXT_BYTES = 64 << 10
PLANS: Mapping[str, StressPlan] = {
    plan.name: plan
    for plan in (
        StressPlan(
            name="high_frequency",
            users="high_frequency",
            description="Many small orders in sequence.",
            rate_per_second=60,
            slos=FAST,
        ),
        StressPlan(
            name="memory_under_load",
            users="memory_under_load",
            description="Orders and order checks while the engine's memory is sampled.",
            rate_per_second=50,
            mix={"signal": 0.8, "check": 0.2},
            slos=FAST,
            memory_mb_per_1000_orders=50,
        ),
        StressPlan(
            name="concurrent_trades",
            users="concurrent_trades",
            description="Bursts of orders for one symbol at the same time.",
            rate_per_second=50,
            burst_size=10,
            symbols=("BTCUSDT",),
            slos=(Slo(quantile=0.95, seconds=0.5), Slo(quantile=0.99, seconds=1.5)),
        ),
        StressPlan(
            name="api_failure",
            users="api_failure",
            description="The exchange refuses, fails or loses answers; some orders are sent twice.",
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
    """Return a built-in plan.

    Raises:
        ValidationFailed: There is no plan with that name.
    """
    if name not in PLANS:
        raise field_error("plan", name, ", ".join(PLANS))
    return PLANS[name]


def read_text(text: str) -> StressPlan:
    """Read a plan from JSON.

    Raises:
        ValidationFailed: Lists every invalid field with its value and what is allowed.
    """
    try:
        return StressPlan.model_validate(json.loads(text))
    except ValidationError as error:
        raise _validation_failed(error) from error
    except (ValueError, RecursionError) as error:  # ValueError: also a number of more than 4,300 digits
        raise field_error("plan", text[:40], f"a JSON document ({error})") from error


def with_overrides(plan: StressPlan, **values: Any) -> StressPlan:  # Any: a type per field
    """Return a plan with some fields replaced; a value of None leaves its field unchanged.

    Raises:
        ValidationFailed: Lists every invalid field with its value and what is allowed.
    """
    overrides = {name: value for name, value in values.items() if value is not None}
    if "duration_seconds" in overrides and plan.warm_up_seconds >= overrides["duration_seconds"]:
        overrides["warm_up_seconds"] = overrides["duration_seconds"] / 10
    try:
        return StressPlan.model_validate({**plan.model_dump(), **overrides})
    except ValidationError as error:
        raise _validation_failed(error) from error


def _validation_failed(error: ValidationError) -> ValidationFailed:
    problems = [
        FieldError(".".join(str(part) for part in item["loc"]) or "plan", repr(item.get("input"))[:100], item["msg"])
        for item in error.errors(include_url=False)
    ]
    detail = "; ".join(f"`{problem.field}` was {problem.value}; {problem.allowed}" for problem in problems)
    return ValidationFailed(f"the plan is invalid: {detail}", errors=problems)
