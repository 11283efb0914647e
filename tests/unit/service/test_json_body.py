"""JSON bodies: what is refused before anything is built from it, and how the refusal reads."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Body, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from seatrial_service.json_body import MAX_DEPTH, MAX_VALUES, MalformedJson, parse
from seatrial_service.routing import public, service_router
from seatrial_service.settings import ServiceSettings
from seatrial_service.web import ServiceParts, create_app

MEGABYTE = 1 << 20


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=5) | st.dictionaries(st.text(alphabet='\\"[]{},:a', max_size=5), inner, max_size=5)


@dataclass(frozen=True)
class RefusedJson:
    """A body and a part of the reason."""

    name: str
    body: bytes
    reason: str


REFUSED = [
    RefusedJson("deep", b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested 65 levels deep; at most 64"),
    RefusedJson("deep_objects", b'{"a":' * 65 + b"1" + b"}" * 65, "nested 65 levels deep"),
    RefusedJson("brackets", b"[" * MEGABYTE, "1048576 values"),
    RefusedJson("many_objects", b"[" + b"{}," * (MEGABYTE // 3) + b"1]", "values; a body here may have 100000"),
    RefusedJson("many_texts", b"[" + b'"a",' * (MEGABYTE // 4) + b"1]", "values; a body here may have 100000"),
    RefusedJson("nan", b'{"price": NaN}', "NaN is not a JSON number"),
    RefusedJson("infinity", b'{"price": -Infinity}', "-Infinity is not a JSON number"),
    RefusedJson("too_large", b'{"price": 1e400}', "1e400 is too large"),
    RefusedJson("digits", b"[" + b"9" * 5_000 + b"]", "4300 digits"),
    RefusedJson("twice", b'{"quantity": 1, "quantity": 1000}', "has the key 'quantity' twice"),
    RefusedJson("utf16", '{"a": 1}'.encode("utf-16"), "utf-8"),
    RefusedJson("unfinished", b'{"a": ', "not valid JSON"),
    RefusedJson("empty_text", b'["' + b"\\" * 1_000, "not valid JSON"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_hostile_body_is_refused_with_its_reason_at_once(case: RefusedJson) -> None:
    started = perf_counter()

    with pytest.raises(MalformedJson, match="body") as refused:
        parse(case.body)

    assert case.reason in refused.value.detail
    assert len(refused.value.detail) < 400
    assert perf_counter() - started < 0.5


def test_brackets_and_commas_in_texts_are_not_counted() -> None:
    text = '[{"a\\"": "\\\\' + "[{,:" * MAX_VALUES + '"}, 1]'

    assert parse(text.encode())[1] == 1


def test_a_body_at_the_limit_of_depth_is_read() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


async def test_a_route_answers_400_with_the_reason() -> None:
    async with _client() as client:
        deep = await client.post("/take", content=b"[" * 100 + b"]" * 100, headers={"content-type": "application/json"})
        large = await client.post("/take", content=b"[" * 900_000, headers={"content-type": "application/json"})
        read = await client.post("/take", json={"a": [1.5, "b"]})

    assert (deep.status_code, deep.json()["code"]) == (400, "malformed_json")
    assert "100 levels deep" in deep.json()["detail"]
    assert "900000 values" in large.json()["detail"]
    assert read.json() == {"a": [1.5, "b"]}


async def test_an_answer_lists_a_hundred_errors_and_quotes_values_in_short() -> None:
    items = [{"name": "x" * 100, "nested": [list(range(4))] * 4}] * 2_000

    async with _client() as client:
        answer = await client.post("/numbers", json=items)

    problem = answer.json()
    assert (answer.status_code, len(problem["errors"])) == (422, 100)
    assert "2000 in all" in problem["detail"]
    assert len(answer.content) < 100_000


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(_app()), base_url="http://127.0.0.1")


def _app() -> FastAPI:
    router = service_router()

    @router.post("/take", dependencies=[public("a test")])
    async def take(body: Annotated[Any, Body()]) -> Any:  # Any: JSON
        return body

    @router.post("/numbers", dependencies=[public("a test")])
    async def numbers(body: list[int]) -> int:
        return len(body)

    async def ready() -> None:
        return None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    parts = ServiceParts("test", "Test", [router], lifespan, ready)
    return create_app(parts, ServiceSettings(), CollectorRegistry())


@given(st.recursive(st.none() | st.integers() | st.text(alphabet='\\"[]{},:a', max_size=12), _nested, max_leaves=30))
def test_brackets_and_commas_within_texts_are_not_counted(document: Any) -> None:
    assert parse(json.dumps(document).encode(), 10_000) == document


def test_escapes_are_read_in_no_time() -> None:
    commas = ",".join(["1"] * 100)
    for escape in ('\\"', "\\\\", "\\u0041"):
        body = f'[{commas},"{escape * (8 * MEGABYTE // len(escape))}"]'.encode()
        started = perf_counter()
        parse(body, 4_000_000)
        assert perf_counter() - started < 1.0, escape  # 0.6 s and more for the count alone before
