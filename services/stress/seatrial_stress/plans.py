"""The four built-in plans, and plans from a document."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from seatrial_shared.contracts.stress import Plan, Slo
from seatrial_shared.errors import FieldError, NotFound, ValidationFailed

# What the simulated exchange of our engine can do wrong on one order; the executed ones lose the answer only.
FAULTS = (
    "connect_refused",
    "server_error",
    "rate_limited",
    "timeout",
    "timeout_executed",
    "server_error_executed",
    "nan_body",
)
BUILT_IN: Mapping[str, Plan] = {
    plan.name: plan
    for plan in (
        Plan(
            name="high_frequency",
            kind="high_frequency",
            rate_per_second=40.0,
            slos=(Slo(quantile=0.95, limit_ms=500.0), Slo(quantile=0.99, limit_ms=1_000.0)),
        ),
        Plan(
            name="memory_under_load",
            kind="memory_under_load",
            rate_per_second=30.0,
            slos=(Slo(quantile=0.95, limit_ms=500.0),),
            memory_budget_mb_per_hour=3_600.0,
        ),
        Plan(
            name="concurrent_trades",
            kind="concurrent_trades",
            rate_per_second=30.0,
            burst=15,
            symbols=("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"),
            slos=(Slo(quantile=0.95, limit_ms=1_000.0),),
        ),
        Plan(
            name="api_failure",
            kind="api_failure",
            rate_per_second=20.0,
            slos=(Slo(quantile=0.95, limit_ms=1_500.0),),
            fault_ratio=0.3,
            faults=FAULTS,
        ),
    )
}


def named(name: str) -> Plan:
    """Return a built-in plan, or raise listing them."""
    if name not in BUILT_IN:
        raise NotFound(f"there is no plan `{name}`; known are {', '.join(BUILT_IN)}, or give a plan's document")
    return BUILT_IN[name]


def read(document: Mapping[str, Any]) -> Plan:
    """Return the plan of a document, or raise naming each refused field."""
    try:
        return Plan.model_validate(document)
    except ValidationError as error:
        fields = [
            FieldError(".".join(map(str, each["loc"])), each.get("input"), str(each["msg"])) for each in error.errors()
        ]
        first = fields[0]
        raise ValidationFailed(f"plan: `{first.field}` was {first.value!r}; {first.allowed}", errors=fields) from error
