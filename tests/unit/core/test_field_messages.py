"""Sentences about wrong fields: nothing of pydantic's own words for what is missing or not known."""

from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from seatrial_core import field_messages
from seatrial_core.contracts.events import Event
from seatrial_core.contracts.stress import RunRequest


def sentences(kind: Any, value: object) -> list[str]:  # Any: any type
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Annotated[kind, ...]).validate_python(value)
    problems = refused.value.errors()
    return [
        field_messages.describe(".".join(map(str, item["loc"])) or "event", item.get("input"), item)
        for item in problems
    ]


@pytest.mark.parametrize(
    ("kind", "value", "texts"),
    [
        (RunRequest, {}, ["`plan` is missing; it is required"]),
        (Event, {"key": "1"}, ["`type` is missing; it is required, as it says which fields there are"]),
    ],
)
def test_what_is_missing_is_a_sentence(kind: Any, value: object, texts: list[str]) -> None:
    assert sentences(kind, value) == texts


def test_two_typos_are_both_said() -> None:
    texts = sentences(RunRequest, {"plan": "api_failure", "traget": "x", "sed": 1})

    assert field_messages.join(texts, 2) == (
        "`traget` is not known here; remove it or correct its name; "
        "`sed` is not known here; remove it or correct its name"
    )


def test_an_unknown_type_of_event_lists_the_types() -> None:
    (text,) = sentences(Event, {"type": "trde"})

    assert text.startswith("`type` was 'trde'; it must be one of ")
    assert "heartbeat" in text
