"""Every text and number that a request can carry has a checked type: no plain `str`, no endless or infinite number."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, TypeAdapter
from tests.unit.service.test_routing import applications

from seatrial_core.contracts.backtests import DatasetUpload
from seatrial_core.contracts.events import EVENT
from seatrial_core.contracts.numbers import Finite
from seatrial_core.contracts.orders import Signal
from seatrial_core.contracts.text import JsonDocument, Text, TextRule
from seatrial_service.routing import service_routes

# The body of a signal is read by the signal parser, into `Signal`; the loader judges every bar, NaN among them.
READ_ELSEWHERE = ("/v1/signals.body", "/v1/orders/check.body")
SKIPPED = frozenset({"metadata", "serialization", "cls", "config", "function", "default"})
BARS_PLACE = "bars"
DOCUMENT_CHECK = get_args(JsonDocument)[1].func
BARS = ("open", "high", "low", "close", "volume")


def unchecked(schema: Any, place: str) -> Iterator[str]:  # Any: a core schema of pydantic
    """Yield the places under a core schema that take unchecked text or numbers."""
    if isinstance(schema, list | tuple):
        for item in schema:
            yield from unchecked(item, place)
    if not isinstance(schema, dict) or _is_checked(schema):
        return
    if schema.get("type") == "model":
        place = schema["cls"].__name__
    problem = _problem(schema)
    if problem:
        yield f"{place}: {problem}"
    for name, item in schema.items():
        if name == "fields" and isinstance(item, dict):
            for field, inner in item.items():
                yield from unchecked(inner, f"{place}.{field}" if field not in BARS else BARS_PLACE)
        elif name not in SKIPPED:
            yield from unchecked(item, place)


def _is_checked(schema: dict[str, Any]) -> bool:  # Any: a core schema of pydantic
    function = schema.get("function")
    called = function.get("function") if isinstance(function, dict) else None
    return isinstance(getattr(called, "__self__", None), TextRule) or called is DOCUMENT_CHECK


def _problem(schema: dict[str, Any]) -> str | None:  # Any: a core schema of pydantic
    kind = schema.get("type")
    has_bounds = bool({"ge", "gt"} & schema.keys()) and bool({"le", "lt"} & schema.keys())
    if kind in {"str", "any"}:
        return f"plain {kind}"
    if kind == "int" and not has_bounds:
        return "unbounded int"
    if kind in {"list", "dict", "set", "frozenset"} and "max_length" not in schema and not _has_known_keys(schema):
        return f"endless {kind}"
    if kind == "tuple" and "variadic_item_index" in schema and "max_length" not in schema:
        return "endless tuple"
    if kind == "float" and schema.get("allow_inf_nan") is not False and not has_bounds:
        return "infinite float"
    return None


def _has_known_keys(schema: dict[str, Any]) -> bool:  # Any: a core schema of pydantic
    return schema["type"] == "dict" and schema.get("keys_schema", {}).get("type") in {"literal", "enum"}


def inputs(app: FastAPI) -> Iterator[tuple[str, Any]]:  # Any: annotations
    """Yield every parameter and body of an application, by name."""
    for method, route in service_routes(app):
        waiting: list[Dependant] = [route.dependant]
        while waiting:
            dependant = waiting.pop()
            waiting += dependant.dependencies
            fields = [
                *dependant.path_params,
                *dependant.query_params,
                *dependant.header_params,
                *dependant.cookie_params,
                *dependant.body_params,
            ]
            for field in fields:
                name = "body" if field in dependant.body_params else field.alias
                yield f"{method} {route.path}.{name}", Annotated[field.field_info.annotation, field.field_info]


def problems_of(annotation: Any, place: str) -> list[str]:  # Any: any annotation
    places = unchecked(TypeAdapter(annotation).core_schema, place)
    return [problem for problem in places if problem != f"{BARS_PLACE}: infinite float"]


def test_every_input_of_every_route_is_checked() -> None:
    found_places, problems = 0, []
    for app in applications():
        for place, annotation in inputs(app):
            found_places += 1
            if not place.endswith(READ_ELSEWHERE):
                problems += problems_of(annotation, place)

    assert found_places > 50
    assert problems == []


@pytest.mark.parametrize("model", [Signal, DatasetUpload])
def test_every_body_that_is_read_by_hand_is_checked(model: type[BaseModel]) -> None:
    assert problems_of(model, model.__name__) == []


def test_every_field_of_every_event_is_checked() -> None:
    assert list(unchecked(EVENT.core_schema, "event")) == []


class _Careless(BaseModel):
    name: str
    count: int
    ratio: float
    anything: dict[str, Any]
    names: list[Text]
    numbers: tuple[Finite, ...]
    checked: Text
    document: JsonDocument


def test_unchecked_fields_are_found() -> None:
    assert problems_of(_Careless, "") == [
        "_Careless.name: plain str",
        "_Careless.count: unbounded int",
        "_Careless.ratio: infinite float",
        "_Careless.anything: endless dict",
        "_Careless.anything: plain str",
        "_Careless.anything: plain any",
        "_Careless.names: endless list",
        "_Careless.numbers: endless tuple",
    ]
