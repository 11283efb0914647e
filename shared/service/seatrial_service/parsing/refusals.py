"""Turns an error of pydantic into one of ours."""

import reprlib

from pydantic import ValidationError

from seatrial_core import field_messages
from seatrial_core.errors import FieldError, ValidationFailed

MAX_ERRORS = 100


def validation_failed(error: ValidationError) -> ValidationFailed:
    """Return the error that names the fields, their values in short, and what is allowed."""
    problems = error.errors(include_url=False)
    errors = [
        FieldError(_name(problem["loc"]), _short(problem.get("input")), field_messages.allowed(problem))
        for problem in problems[:MAX_ERRORS]
    ]
    pairs = zip(errors, problems, strict=False)
    sentences = [field_messages.describe(field.field, field.value, problem) for field, problem in pairs]
    return ValidationFailed(field_messages.join(sentences, len(problems)), errors=errors)


def _name(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "body"


def _short(value: object) -> object:
    return value if isinstance(value, bool | int | None) else reprlib.repr(value)
