"""Reads Locust's start form as a run request."""

import re
from collections.abc import Mapping

from pydantic import ValidationError

from seatrial_core.contracts.stress import PlanName, RunRequest
from seatrial_core.errors import FieldError, ValidationFailed
from seatrial_core.quoting import quote
from seatrial_stress.load.processes import USER_CLASSES
from seatrial_stress.plans.catalog import NAMES

DEFAULT_PLAN: PlanName = "high_frequency"
MAX_RATE = 2_000
MAX_SECONDS = 3_600
# Python refuses to read an integer of more than 4,300 digits.
MAX_DIGITS = 9
MAX_DURATION_TEXT = 32
MAX_QUOTE = 40
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
PLAN_OF = {user_class: plan for plan, user_class in USER_CLASSES.items()}


def parse(form: Mapping[str, list[str]]) -> RunRequest:
    """Return the run that a form asks for; more than one user is requests per second.

    Raises:
        ValidationFailed: A field is invalid.
    """
    users = form.get("user_count", ["1"])[0].strip() or "1"
    if not users.isdecimal() or len(users) > MAX_DIGITS or not 1 <= int(users) <= MAX_RATE:
        raise _refused(
            "user_count",
            users,
            f"Requests per second must be a whole number from 1 to {MAX_RATE} (1 takes the rate of the plan)",
        )
    values = {
        "plan": _plan(form),
        "target": form.get("host", [""])[0].strip() or None,
        "duration_seconds": parse_duration(form.get("run_time", [""])[0]),
        "rate_per_second": float(users) if int(users) > 1 else None,
    }
    try:
        return RunRequest.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"][0] == "target":
            allowed = "Host must be the address of an engine, such as http://127.0.0.1:5000"
            raise _refused("host", str(first["input"]), allowed) from error
        raise _refused(str(first["loc"][0]), str(first["input"]), first["msg"]) from error


def parse_duration(text: str) -> float | None:
    """Return the seconds of `90`, `20s`, `1m30s` or `1h`; None for an empty text.

    Raises:
        ValidationFailed: It is not a duration from 1 s to 1 h.
    """
    if not text.strip():
        return None
    match = DURATION.fullmatch(text.strip()) if len(text) <= MAX_DURATION_TEXT else None
    parts = match.groups() if match else ()
    total = sum(int(part or 0) * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
    if not 1 <= total <= MAX_SECONDS:
        raise _refused("run_time", text, "Run time must be from 1s to 1h, such as 20s or 1m30s")
    return float(total)


def _plan(form: Mapping[str, list[str]]) -> str:
    plan = form.get("plan", [""])[0].strip()
    if plan:
        if plan not in NAMES:
            raise _refused("plan", plan, f"The plan must be one of {', '.join(NAMES)}")
        return plan
    # Programs, and Locust's own form, name user classes; its default is all of them.
    user_classes = form.get("user_classes", [])
    if not user_classes or set(user_classes) == set(PLAN_OF):
        return DEFAULT_PLAN
    if len(user_classes) != 1 or user_classes[0] not in PLAN_OF:
        allowed = f"A run has one plan: send one user class of {', '.join(PLAN_OF)}"
        raise _refused("user_classes", ", ".join(user_classes), allowed)
    return PLAN_OF[user_classes[0]]


def _refused(field: str, value: str, allowed: str) -> ValidationFailed:
    shown = quote(value, MAX_QUOTE)
    return ValidationFailed(f"{allowed}; {shown!r} was sent.", errors=[FieldError(field, shown, allowed)])
