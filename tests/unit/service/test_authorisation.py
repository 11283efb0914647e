"""Who is admitted, and what a refused attempt leaves: a log line, a count, and after many a 429."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from seatrial_core.clock import ManualClock
from seatrial_core.errors import DatabaseUnreachable, Unauthenticated
from seatrial_service.auth import Principal, Tokens
from seatrial_service.authorisation import Access
from seatrial_service.routing import public, requires, service_router
from seatrial_service.settings import ServiceSettings
from seatrial_service.stored_tokens import StoredToken
from seatrial_service.throttle import BURST
from seatrial_service.web import ServiceParts, create_app

TRADER = "trader-token-0123456789"
STORED = "seatrial_stored-token-of-the-tests"
ENDED = "seatrial_ended-token-of-the-tests"
JSON_TYPE = {"Content-Type": "application/json"}
NOW = datetime(2026, 11, 28, tzinfo=UTC)


class TokenTable:
    """A table of tokens that can be changed and be away."""

    def __init__(self) -> None:
        self.tokens: dict[str, StoredToken] = {}
        self.is_away = False
        self.loads = 0

    def put(self, text: str, name: str = "bot", **values: datetime) -> None:
        digest = sha256(text.encode()).hexdigest()
        principal = Principal(name, frozenset({"engine:trade"}))
        self.tokens[digest] = replace(StoredToken("id-1", digest, principal, "ada@desk"), **values)  # type: ignore[arg-type]

    async def load(self) -> Mapping[str, StoredToken]:
        self.loads += 1
        if self.is_away:
            raise DatabaseUnreachable("away")
        return dict(self.tokens)


class Bench:
    """A service with one route, its clock and its table of tokens."""

    def __init__(self) -> None:
        self.table = TokenTable()
        self.clock = ManualClock(NOW)
        self.app = _application()
        tokens = Tokens.parse(f"{TRADER}=engine:trade,name:trader")
        self.app.state.access = Access(tokens, CollectorRegistry(), self.clock, self.table.load)

    async def get(self, token: str | None, path: str = "/v1/things/7") -> httpx.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://127.0.0.1") as http:
            return await http.get(path, headers=headers)


def _application() -> FastAPI:
    router = service_router()

    @router.get("/v1/things/{secret}", dependencies=[requires("engine:trade")])
    async def thing() -> dict[str, str]:
        return {}

    @router.get("/v1/control", dependencies=[requires("engine:control")])
    async def control() -> dict[str, str]:
        return {}

    @router.get("/hook/{secret}", dependencies=[public("signed")])
    async def hook() -> None:
        raise Unauthenticated("the signature does not match")

    async def ready() -> None: ...

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    parts = ServiceParts("things", "Things", [router], lifespan, ready)
    return create_app(parts, ServiceSettings(), CollectorRegistry())


async def test_a_refused_attempt_is_logged_without_token_or_path_secret() -> None:
    bench = Bench()
    with capture_logs() as logged:
        await bench.get("wrong-token-0123456789", "/v1/things/secret-7")
        await bench.get(None, "/hook/secret-7")
        await bench.get(TRADER, "/v1/control")

    assert [(event["source"], event["path"], event["reason"], event["principal"]) for event in logged] == [
        ("127.0.0.1", "/v1/things/{secret}", "unknown_token", ""),
        ("127.0.0.1", "/hook/{secret}", "refused", ""),
        ("127.0.0.1", "/v1/control", "missing_scope", "trader"),
    ]
    assert "secret-7" not in str(logged)
    assert "wrong-token" not in str(logged)


async def test_a_source_that_fails_often_gets_429_and_a_valid_token_of_it_passes() -> None:
    bench = Bench()
    bench.table.put(STORED)
    with capture_logs() as logged:
        statuses = [(await bench.get("wrong-token-0123456789")).status_code for _ in range(BURST + 30)]
    throttled = await bench.get("wrong-token-0123456789")

    assert statuses == [401] * BURST + [429] * 30
    assert (throttled.status_code, throttled.json()["code"]) == (429, "too_many_requests")
    assert 1 <= int(throttled.headers["retry-after"]) <= 5
    assert len(logged) == BURST + 1
    assert [(await bench.get(token)).status_code for token in (TRADER, STORED)] == [200, 200]
    # A token that lacks the scope has a separate budget, so it learns why.
    assert (await bench.get(TRADER, "/v1/control")).status_code == 403
    bench.clock.advance(6)
    assert (await bench.get("wrong-token-0123456789")).status_code == 401


async def test_signatures_and_scopes_are_throttled_too() -> None:
    bench = Bench()

    hooks = [(await bench.get(None, "/hook/x")).status_code for _ in range(BURST + 1)]
    scopes = [(await bench.get(TRADER, "/v1/control")).status_code for _ in range(BURST + 1)]

    assert (hooks[-2:], scopes[-2:]) == ([401, 429], [403, 429])


async def test_a_stored_token_is_admitted_under_its_name() -> None:
    bench = Bench()
    bench.table.put(STORED)

    assert (await bench.get(STORED)).status_code == 200
    assert (await bench.get(STORED, "/v1/control")).status_code == 403
    for other in (STORED[:-1], STORED + "x", STORED.upper(), STORED.removeprefix("seatrial_")):
        assert (await bench.get(other)).status_code == 401


async def test_a_token_that_expires_is_refused_from_then_on() -> None:
    bench = Bench()
    bench.table.put(STORED, expires_at=NOW + timedelta(seconds=1))

    before = await bench.get(STORED)
    bench.clock.advance(1)
    after = await bench.get(STORED)

    assert (before.status_code, after.status_code) == (200, 401)
    assert "expired" in after.json()["detail"]


@pytest.mark.parametrize("end", ["expires_at", "revoked_at"])
async def test_a_token_that_has_ended_opens_no_session(end: str) -> None:
    bench = Bench()
    bench.table.put(STORED, "valid")
    bench.table.put(ENDED, "ended", **{end: NOW})
    access: Access = bench.app.state.access

    valid, ended = [await access.principal_of_token(token) for token in (STORED, ENDED)]

    assert valid is not None and valid.name == "valid"
    assert ended is None


async def test_a_revoked_token_is_refused_within_two_seconds_and_the_change_is_audited() -> None:
    bench = Bench()
    bench.table.put(STORED)
    assert (await bench.get(STORED)).status_code == 200
    bench.table.put(STORED, revoked_at=NOW)
    bench.clock.advance(2.1)

    with capture_logs() as logged:
        answer = await bench.get(STORED)

    assert (answer.status_code, "revoked" in answer.json()["detail"]) == (401, True)
    assert [(event["action"], event["token"]) for event in logged if event["event"] == "audit"] == [
        ("token_revoked", "bot")
    ]


async def test_a_new_token_is_admitted_at_once_and_unknown_ones_do_not_load_the_database() -> None:
    bench = Bench()
    await bench.get(STORED)
    bench.clock.advance(0.6)
    bench.table.put(STORED)

    assert (await bench.get(STORED)).status_code == 200
    for number in range(100):
        await bench.get(f"seatrial_guess-{number}")
    assert bench.table.loads == 2
    for _ in range(100):
        await bench.get("guess-without-our-prefix")
    assert bench.table.loads == 2


async def test_without_the_database_known_tokens_work_for_a_while_and_others_are_503() -> None:
    bench = Bench()
    bench.table.put(STORED)
    await bench.get(STORED)
    bench.table.is_away = True
    bench.clock.advance(10)

    admitted = await bench.get(STORED)
    unknown = await bench.get("seatrial_another-token-of-the-database")
    environment = await bench.get(TRADER)
    bench.clock.advance(25)
    too_old = await bench.get(STORED)
    bench.table.is_away = False
    bench.clock.advance(2)
    again = await bench.get(STORED)

    assert (admitted.status_code, unknown.status_code, environment.status_code) == (200, 503, 200)
    assert (too_old.status_code, again.status_code) == (503, 200)


@pytest.mark.parametrize(("size", "is_closed"), [(10, False), (200_000, True)])
async def test_the_connection_of_a_refused_large_body_is_closed(size: int, is_closed: bool) -> None:
    bench = Bench()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bench.app), base_url="http://127.0.0.1") as http:
        answer = await http.request("GET", "/v1/things/7", content=b"x" * size, headers=JSON_TYPE)

    assert answer.status_code == 401
    assert (answer.headers.get("connection") == "close") is is_closed


async def test_the_connection_of_a_refused_body_of_unknown_size_is_closed() -> None:
    bench = Bench()
    headers = {**JSON_TYPE, "Transfer-Encoding": "chunked"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bench.app), base_url="http://127.0.0.1") as http:
        answer = await http.request("GET", "/v1/things/7", content=b"x", headers=headers)

    assert (answer.status_code, answer.headers.get("connection")) == (401, "close")
