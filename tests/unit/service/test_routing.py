"""Every route of every service authorises from the headers, before it reads the body."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.types import Message, Scope

from seatrial_alerts.app import build as alerts
from seatrial_alerts.settings import AlertsSettings
from seatrial_backtest.app import build as backtest
from seatrial_backtest.settings import BacktestSettings
from seatrial_engine.app import build as engine
from seatrial_engine.settings import EngineSettings
from seatrial_metrics.app import build as metrics
from seatrial_metrics.settings import MetricsSettings
from seatrial_service.routing import (
    ServiceRoute,
    public,
    require_service_routes,
    requires,
    service_router,
    service_routes,
)
from seatrial_stress.app import build as stress
from seatrial_stress.settings import StressSettings

NOWHERE = "postgresql://unused@127.0.0.1:1/unused"
ADMIN = "admin-token-0123456789"
EVENTS_ONLY = "events-token-0123456789"
STRESS_ONLY = "stress-token-0123456789"
TOKENS = f"{ADMIN}=admin;{EVENTS_ONLY}=events:write;{STRESS_ONLY}=stress:read"
# Every route that needs no token. A new one must be added here on purpose.
PUBLIC = {
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    "GET /metrics/process",
    "POST /webhook",
    "POST /webhook/{token}",
}
# Refused attempts are throttled by source; here each comes from another address.
ADDRESSES = (f"10.0.{number // 250}.{number % 250}" for number in count())
BUILDERS: tuple[tuple[Callable[..., FastAPI], Callable[..., Any]], ...] = (
    (metrics, MetricsSettings),
    (alerts, AlertsSettings),
    (backtest, BacktestSettings),
    (engine, EngineSettings),
    (stress, StressSettings),
)


def applications() -> Iterator[FastAPI]:
    for build, settings in BUILDERS:
        yield build(settings(database_url=NOWHERE, tokens=TOKENS))


class EndlessBody:
    """A request whose body never ends, and which counts what is read of it."""

    def __init__(self, method: str, path: str, authorization: str | None = None) -> None:
        self.bytes_read = 0
        self.statuses: list[int] = []
        self.headers: dict[bytes, bytes] = {}
        sent = [(b"content-type", b"application/json"), (b"transfer-encoding", b"chunked"), (b"host", b"127.0.0.1")]
        if authorization is not None:
            sent.append((b"authorization", authorization.encode()))
        self.scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": sent,
            "client": (next(ADDRESSES), 40000),
            "server": ("127.0.0.1", 80),
            "state": {},
        }

    async def receive(self) -> Message:
        self.bytes_read += 65_536
        if self.bytes_read > 1 << 22:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"[" * 65_536, "more_body": True}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])
            self.headers = dict(message["headers"])


def requests() -> Iterator[tuple[FastAPI, ServiceRoute, str, str]]:
    for app in applications():
        for method, route in service_routes(app):
            yield app, route, method, route.path.replace("{", "").replace("}", "")


def test_every_route_names_a_scope_or_is_on_the_public_list() -> None:
    without_scope = {
        f"{method} {route.path}" for app in applications() for method, route in service_routes(app) if not route.scopes
    }

    assert without_scope == PUBLIC


async def test_no_route_reads_a_body_before_it_knows_the_token() -> None:
    guarded = [request for request in requests() if request[1].scopes]
    assert len(guarded) > 60

    for app, _, method, path in guarded:
        for authorization in (None, "Bearer not-a-known-token-0123", f"Basic {ADMIN}", f"Bearer {ADMIN[:-1]}"):
            body = EndlessBody(method, path, authorization)
            await app(body.scope, body.receive, body.send)
            assert (body.statuses, body.bytes_read) == ([401], 0), (method, path, authorization)


async def test_no_route_reads_a_body_of_a_token_without_its_scope() -> None:
    for app, route, method, path in requests():
        if not route.scopes:
            continue
        token = STRESS_ONLY if "events:write" in route.scopes else EVENTS_ONLY
        body = EndlessBody(method, path, f"Bearer {token}")
        await app(body.scope, body.receive, body.send)
        assert (body.statuses, body.bytes_read) == ([403], 0), (method, path)


def test_every_guarded_route_documents_its_security() -> None:
    for app in applications():
        paths = app.openapi()["paths"]
        for method, route in service_routes(app):
            operation = paths[route.path][method.lower()]
            assert ("security" in operation) == bool(route.scopes), route.path
            assert ({"401", "403", "429"} <= set(operation["responses"])) == bool(route.scopes), route.path


def test_a_route_without_a_scope_cannot_be_made() -> None:
    router = service_router()

    with pytest.raises(TypeError, match="must name its scope"):
        router.get("/v1/forgotten")(lambda: None)
    with pytest.raises(TypeError, match="must name its scope"):
        router.get("/v1/both", dependencies=[public("why"), requires("admin")])(lambda: None)
    with pytest.raises(ValueError, match="is not a scope"):
        requires("engine:everything")


def test_a_router_of_another_kind_is_refused() -> None:
    plain = APIRouter()
    plain.post("/v1/plain")(lambda: None)
    app = FastAPI()
    app.include_router(plain)

    with pytest.raises(TypeError, match="/v1/plain was not made with `service_router`"):
        require_service_routes(app)
