"""Hostile text in every path, query and body of every route is refused by name, before a database is asked."""

from collections.abc import Iterator

import httpx
from fastapi import FastAPI
from tests.unit.service.test_routing import TOKENS, applications

from seatrial_service.routing import service_routes

TOKEN = TOKENS.partition("=")[0]
HOSTILE_BODIES = (
    '{"symbol": "A\\u0000B", "action": "buy"}',
    '{"symbol": "\\ud800", "action": "buy"}',
    '{"\\ud800": "\\ud800", "rule": "\\udfff", "by": "\\u0000", "reason": "\\u0000", "actor": "\\ud800"}',
    '{"symbol": ' + "9" * 5_000 + "}",
    '{"price": NaN, "quantity": 1e999, "cash": -Infinity}',
    "[" * 100_000,
    '"\\ud800"',
    "{",
)


def hostile_requests(app: FastAPI) -> Iterator[tuple[str, str, str]]:
    """Yield method, address and the field that a refusal must name."""
    for method, route in service_routes(app):
        path = route.path
        for field in route.dependant.path_params:
            address = path.replace("{" + field.alias + "}", "a%00b")
            for other in route.dependant.path_params:
                address = address.replace("{" + other.alias + "}", "a")
            yield method, address, field.alias
        if "{" not in path:
            for field in route.dependant.query_params:
                yield method, f"{path}?{field.alias}=a%00b", field.alias


async def test_nul_in_every_path_and_query_is_a_422_that_names_the_field() -> None:
    answers: list[str] = []
    count = 0
    for app in applications():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as http:
            for method, address, field in hostile_requests(app):
                if method == "GET":
                    count += 1
                    response = await http.request(method, address)
                    named = [error["field"] for error in response.json().get("errors", [])]
                    if response.status_code != 422 or not any(field in name.split(".") for name in named):
                        answers.append(f"{method} {address}: {response.status_code} {response.text[:100]}")

    assert count > 25
    assert answers == []


async def test_no_hostile_body_is_an_internal_error() -> None:
    answers: list[str] = []
    for app in applications():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as http:
            for method, route in service_routes(app):
                if method not in {"POST", "PUT"} or not route.dependant.body_params:
                    continue
                for body in HOSTILE_BODIES:
                    response = await http.request(method, route.path.replace("{", "").replace("}", ""), content=body)
                    if not 400 <= response.status_code < 500:
                        answers.append(f"{method} {route.path} {body[:60]}: {response.status_code}")

    assert answers == []
