"""Says in a sentence what pydantic found wrong with a field."""

from collections.abc import Mapping, Sequence
from typing import Any

from seatrial_core.quoting import quote

MAX_SENTENCES = 5
MAX_TAG = 80


def describe(field: str, value: object, problem: Mapping[str, Any]) -> str:  # Any: as in pydantic
    """Return the sentence about one field.

    Args:
        field: Its name, as the reader wrote it.
        value: Its value, short enough to be shown.
        problem: One of pydantic's error details.
    """
    match problem["type"]:
        case "missing":
            return f"`{field}` is missing; it is required"
        case "extra_forbidden":
            return f"`{field}` is not known here; remove it or correct its name"
        case "union_tag_not_found":
            return f"`{_tag(problem)}` is missing{_in(field)}; it is required, as it says which fields there are"
        case "union_tag_invalid":
            context = problem["ctx"]
            tag = quote(context["tag"], MAX_TAG)
            return f"`{_tag(problem)}` was {tag!r}{_in(field)}; it must be one of {context['expected_tags']}"
        case _:
            message = str(problem["msg"])
            return f"`{field}` was {value!r}; {message.replace('Input should', 'it must', 1)}"


def allowed(problem: Mapping[str, Any]) -> str:  # Any: as in pydantic
    """Return what is allowed in place of the value, for the list of fields."""
    match problem["type"]:
        case "missing":
            return "a value; it is required"
        case "extra_forbidden":
            return "no field of this name"
        case "union_tag_not_found":
            return f"an object with `{_tag(problem)}`; it is required"
        case _:
            return str(problem["msg"])


def join(sentences: Sequence[str], number: int) -> str:
    """Return the first sentences as one text, and how many problems there are if that is not all."""
    more = f" ({number} in all)" if number > min(len(sentences), MAX_SENTENCES) else ""
    return "; ".join(sentences[:MAX_SENTENCES]) + more


def _tag(problem: Mapping[str, Any]) -> str:  # Any: as in pydantic
    return str(problem.get("ctx", {}).get("discriminator", "type")).strip("'")


def _in(field: str) -> str:
    return f" in `{field}`" if field not in {"", "body", "event"} else ""
