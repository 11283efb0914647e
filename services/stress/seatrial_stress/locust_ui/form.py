"""Reads Locust's start form as a run request."""

import re
from collections.abc import Mapping

from pydantic import ValidationError

from seatrial_core.contracts.stress import RunRequest
from seatrial_core.errors import field_error
from seatrial_stress.load.processes import USER_CLASSES

MAX_RATE = 2_000
MAX_SECONDS = 3_600
# Python refuses to read an integer of more than 4,300 digits.
MAX_DIGITS = 9
MAX_DURATION_TEXT = 32
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
PLAN_OF = {user_class: plan for plan, user_class in USER_CLASSES.items()}


def parse(form: Mapping[str, list[str]]) -> RunRequest:
    """Return the run that a form asks for: the user class is the plan, more than one user is requests per second.

    Raises:
        ValidationFailed: A field is invalid.
    """
    user_classes = form.get("user_classes", [])
    if len(user_classes) != 1 or user_classes[0] not in PLAN_OF:
        raise field_error("user_classes", ", ".join(user_classes), f"exactly one of {', '.join(PLAN_OF)}")
    users = form.get("user_count", ["1"])[0].strip() or "1"
    if not users.isdecimal() or len(users) > MAX_DIGITS or not 1 <= int(users) <= MAX_RATE:
        allowed = f"an integer from 1 to {MAX_RATE}: requests per second, or 1 for the plan's rate"
        raise field_error("user_count", users[:20], allowed)
    values = {
        "plan": PLAN_OF[user_classes[0]],
        "target": form.get("host", [""])[0].strip() or None,
        "duration_seconds": parse_duration(form.get("run_time", [""])[0]),
        "rate_per_second": float(users) if int(users) > 1 else None,
    }
    try:
        return RunRequest.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise field_error(field, str(first["input"])[:80], f"a value that is allowed ({first['msg']})") from error


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
        raise field_error("run_time", text[:20], "1s to 1h, as 20s or 1m30s")
    return float(total)
