"""The web side that every service has: identity, limits, problems, health, auth, its own metrics."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from seatrial_core.errors import Conflict, DatabaseUnreachable, field_error
from seatrial_service.routing import requires, service_router
from seatrial_service.settings import ServiceSettings
from seatrial_service.web import ServiceParts, create_app

TRADER = "trader-token-0123456789"
ADMIN = "admin-token-0123456789"
JSON = {"content-type": "application/json"}
TOKENS = f"{TRADER}=engine:trade;{ADMIN}=admin"


class Thing(BaseModel):
    """A body with one number."""

    size: int


def application(
    *, host: str = "127.0.0.1", tokens: str = TOKENS, is_ready: bool = True, is_metrics_open: bool = False
) -> FastAPI:
    router = service_router()

    @router.post("/v1/things", dependencies=[requires("engine:trade")])
    async def make(thing: Thing) -> Thing:
        if thing.size == 13:
            raise field_error("size", thing.size, "any number but 13")
        if thing.size == 14:
            raise Conflict("14 is taken; choose another")
        if thing.size == 15:
            raise RuntimeError("a secret detail")
        return thing

    async def ready() -> None:
        if not is_ready:
            raise DatabaseUnreachable("away")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    parts = ServiceParts("things", "Things", [router], lifespan, ready, body_bytes={"/v1/things": 200})
    settings = ServiceSettings(host=host, tokens=tokens, metrics_open=is_metrics_open)
    return create_app(parts, settings, CollectorRegistry())


def client(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers={"Authorization": f"Bearer {TRADER}"}
    )


async def test_malformed_json_is_a_400_that_says_what_to_send() -> None:
    async with client(application()) as http:
        answer = await http.post("/v1/things", content=b"{", headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "malformed_json"
    assert "send application/json" in answer.json()["detail"]


async def test_a_wrong_value_names_field_value_and_what_is_allowed() -> None:
    async with client(application()) as http:
        typed = await http.post("/v1/things", json={"size": "big"})
        refused = await http.post("/v1/things", json={"size": 13})

    assert typed.status_code == refused.status_code == 422
    assert typed.json()["errors"][0] == {
        "field": "size",
        "value": "big",
        "allowed": "Input should be a valid integer, unable to parse string as an integer",
    }
    assert refused.json()["errors"] == [{"field": "size", "value": 13, "allowed": "any number but 13"}]


async def test_an_oversized_body_is_refused_before_it_is_read() -> None:
    async with client(application()) as http:
        declared = await http.post("/v1/things", content=b"x" * 201, headers=JSON)

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(30):
                yield b"x" * 10

        streamed = await http.post("/v1/things", content=pieces(), headers=JSON)

    assert declared.status_code == streamed.status_code == 413
    assert "200 bytes" in streamed.json()["detail"]


async def test_a_token_must_be_known_and_carry_the_scope() -> None:
    app = application(tokens=f"{TRADER}=metrics:read;{ADMIN}=admin")
    async with client(app) as http:
        lacks = await http.post("/v1/things", json={"size": 1})
        unknown = await http.post("/v1/things", json={"size": 1}, headers={"Authorization": "Bearer nobody-knows-me"})
        missing = await http.post("/v1/things", json={"size": 1}, headers={"Authorization": ""})
        admin = await http.post("/v1/things", json={"size": 1}, headers={"Authorization": f"Bearer {ADMIN}"})

    assert (lacks.status_code, lacks.json()["code"]) == (403, "forbidden")
    assert "engine:trade" in lacks.json()["detail"]
    assert (unknown.status_code, missing.status_code) == (401, 401)
    assert ".seatrial/token" in missing.json()["detail"]
    assert admin.status_code == 200


async def test_an_unexpected_error_shows_the_request_id_and_nothing_else() -> None:
    async with client(application()) as http:
        answer = await http.post("/v1/things", json={"size": 15}, headers={"X-Request-Id": "my-id-1"})

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "my-id-1"


async def test_a_hostile_request_id_is_replaced() -> None:
    async with client(application()) as http:
        answer = await http.get("/health/live", headers={"X-Request-Id": "a b<script>"})

    assert answer.headers["x-request-id"].isalnum()


async def test_health_is_open_and_readiness_follows_the_database() -> None:
    async with client(application(is_ready=False)) as http:
        live = await http.get("/health/live", headers={"Authorization": ""})
        ready = await http.get("/health/ready", headers={"Authorization": ""})
        detail = await http.get("/health/detail", headers={"Authorization": ""})

    assert (live.status_code, ready.status_code, detail.status_code) == (200, 503, 401)
    assert ready.json() == {"status": "unready"}


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("0.0.0.0", 401)])
async def test_the_metrics_page_is_open_on_loopback_only(host: str, status: int) -> None:
    async with client(application(host=host)) as http:
        await http.post("/v1/things", json={"size": 1})
        page = await http.get("/metrics", headers={"Authorization": ""})

    assert page.status_code == status
    assert status == 401 or 'http_requests_total{handler="/v1/things",method="POST",status="2xx"} 1.0' in page.text


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Via", "X-Real-IP"]
)
@pytest.mark.parametrize(
    ("token", "status"), [("", 401), ("Bearer unknown-unknown-unknown", 401), (f"Bearer {TRADER}", 403)]
)
async def test_a_reverse_proxy_does_not_publish_the_metrics(header: str, token: str, status: int) -> None:
    sent = {header: "203.0.113.7", **({"Authorization": token} if token else {})}
    async with client(application()) as http:
        del http.headers["Authorization"]
        page = await http.get("/metrics", headers=sent)
        admin = await http.get("/metrics", headers={**sent, "Authorization": f"Bearer {ADMIN}"})

    assert (page.status_code, admin.status_code) == (status, 200)


async def test_without_tokens_a_reverse_proxy_publishes_the_metrics_only_by_name() -> None:
    proxied = {"X-Forwarded-For": "203.0.113.7", "Authorization": ""}
    async with client(application(tokens="")) as http:
        closed = await http.get("/metrics", headers=proxied)
        local = await http.get("/metrics")
    async with client(application(is_metrics_open=True)) as http:
        opened = await http.get("/metrics", headers=proxied)

    assert (closed.status_code, local.status_code, opened.status_code) == (403, 200, 200)
    assert "SEATRIAL_METRICS_OPEN" in closed.json()["detail"]


@pytest.mark.parametrize("is_metrics_open", [False, True])
async def test_a_wrong_token_is_refused_by_the_open_metrics_page_too(is_metrics_open: bool) -> None:
    async with client(application(is_metrics_open=is_metrics_open)) as http:
        wrong = await http.get("/metrics", headers={"Authorization": "Bearer unknown-unknown-unknown"})
        basic = await http.get("/metrics", headers={"Authorization": "Basic dTpw"})
        valid = await http.get("/metrics")
        del http.headers["Authorization"]
        without = await http.get("/metrics")

    assert [page.status_code for page in (wrong, basic, valid, without)] == [401, 401, 200, 200]


async def test_unknown_paths_and_methods_are_problems_too() -> None:
    async with client(application()) as http:
        path = await http.get("/v1/nothing")
        method = await http.get("/v1/things")

    assert (path.status_code, path.json()["code"]) == (404, "not_found")
    assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")
    assert method.headers["allow"] == "POST, OPTIONS"
    assert method.json()["detail"] == "/v1/things does not take GET; it takes POST, OPTIONS; GET / links to all routes"


async def test_missing_and_unknown_fields_are_all_named_in_the_sentence() -> None:
    async with client(application()) as http:
        missing = await http.post("/v1/things", json={})

    assert missing.status_code == 422
    assert missing.json()["detail"] == "`size` is missing; it is required"
    assert missing.json()["errors"] == [{"field": "size", "value": None, "allowed": "a value; it is required"}]
