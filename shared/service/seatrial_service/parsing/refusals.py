"""Turns an error of pydantic into one of ours."""

import reprlib

from pydantic import ValidationError

from seatrial_core.errors import FieldError, ValidationFailed

MAX_ERRORS = 100


def validation_failed(error: ValidationError) -> ValidationFailed:
    """Return the error that names the fields, their values in short, and what is allowed."""
    problems = error.errors(include_url=False, include_context=False)
    errors = [
        FieldError(
            ".".join(str(part) for part in problem["loc"]) or "body", _short(problem.get("input")), problem["msg"]
        )
        for problem in problems[:MAX_ERRORS]
    ]
    first = errors[0]
    return ValidationFailed(
        f"`{first.field}` was {first.value!r}; {first.allowed} ({len(problems)} in all)", errors=errors
    )


def _short(value: object) -> object:
    return value if isinstance(value, bool | int | None) else reprlib.repr(value)
