"""What a browser may be made to send: rebound names, requests of other pages, bodies that are not JSON."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from seatrial_core.errors import SettingsError
from seatrial_service.routing import public, service_router
from seatrial_service.settings import ServiceSettings
from seatrial_service.throttle import BURST
from seatrial_service.transport.hosts import HostRules
from seatrial_service.transport.origins import OriginRules
from seatrial_service.transport.refusals import REASONS
from seatrial_service.web import ServiceParts, create_app

OPEN = [public("the checks of requests are under test")]


def application(**settings: str) -> FastAPI:
    router = service_router()

    @router.api_route("/v1/things", methods=["GET", "POST", "DELETE"], dependencies=OPEN)
    async def things(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @router.post("/v1/tables", dependencies=OPEN)
    async def tables() -> dict[str, str]:
        return {}

    @router.post("/hook/{token}", dependencies=OPEN)
    async def hook(token: str) -> dict[str, str]:
        return {"token": token}

    async def ready() -> None:
        pass

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    media_types = {"/v1/tables": ("text/csv",), "/hook": ("*/*",)}
    parts = ServiceParts("things", "Things", [router], lifespan, ready, media_types=media_types)
    return create_app(parts, ServiceSettings.load(**settings), CollectorRegistry())


async def ask(
    app: FastAPI, method: str, path: str, **options: dict[str, str] | list[tuple[str, str]] | bytes
) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:5000") as http:
        return await http.request(method, path, **options)  # type: ignore[arg-type]  # options of many types


@pytest.mark.parametrize("path", ["/metrics", "/health/live", "/v1/things", "/docs", "/openapi.json", "/nothing"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:5000", "things", "a b", "[::1", "localhost:99999", ""])
async def test_a_foreign_host_is_misdirected_on_every_path(path: str, host: str) -> None:
    response = await ask(application(), "GET", path, headers={"host": host})

    assert response.status_code == 421
    assert response.headers["content-type"] == "application/problem+json"
    assert "SEATRIAL_ALLOWED_HOSTS" in response.json()["detail"]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.:5000", "127.0.0.1:5000", "[::1]:5000", "10.244.1.17:9999", "host.docker.internal"]
)
async def test_local_names_and_numeric_addresses_are_accepted(host: str) -> None:
    response = await ask(application(), "GET", "/health/live", headers={"host": host})

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("things:9999", 200),
        ("things.seatrial.svc:9999", 200),
        ("things.seatrial.svc.cluster.local", 200),
        ("things.dev", 421),
        ("things.evil.example", 421),
        ("other.seatrial.svc", 421),
    ],
)
async def test_a_service_that_others_reach_answers_for_its_cluster_names(host: str, status: int) -> None:
    app = application(host="0.0.0.0", tokens="a-token-of-the-tests=admin")

    response = await ask(app, "GET", "/health/live", headers={"host": host})

    assert response.status_code == status


def test_configured_names_are_accepted_below_a_star_too() -> None:
    rules = HostRules.parse("Trading.example.com, *.inner.example")

    accepted = [
        host for host in ("trading.example.com", "a.inner.example", "a.b.inner.example:80") if rules.allows(host)
    ]
    refused = [host for host in ("inner.example", "evil-inner.example", "x.trading.example.com") if rules.allows(host)]

    assert (len(accepted), refused) == (3, [])


@pytest.mark.parametrize("text", ["*", "https://a.example", "a.example:80", "a b", "*.*.example"])
def test_a_malformed_allowed_host_stops_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match="SEATRIAL_ALLOWED_HOSTS"):
        HostRules.parse(text)


@pytest.mark.parametrize("text", ["*", "a.example", "https://a.example/path", "ftp://a.example", "null"])
def test_a_malformed_allowed_origin_stops_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match="SEATRIAL_ALLOWED_ORIGINS"):
        OriginRules.parse(text)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"origin": ""},
        {"origin": "http://localhost:5001"},
        {"origin": "http://127.0.0.1:5000"},
        {"origin": "http://localhost:5000.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example", "sec-fetch-site": "same-origin"},
    ],
)
async def test_a_page_of_another_origin_may_not_change_anything(method: str, headers: dict[str, str]) -> None:
    response = await ask(application(), method, "/v1/things", headers=headers)

    assert (response.status_code, response.json()["code"]) == (403, "foreign_origin")
    assert "SEATRIAL_ALLOWED_ORIGINS" in response.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://localhost:5000"},
        {"origin": "HTTP://LOCALHOST:5000", "sec-fetch-site": "same-origin"},
        {"origin": "https://console.example", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "none"},
        {"origin": "null", "sec-fetch-site": "same-origin"},
    ],
)
async def test_programs_own_pages_and_configured_origins_may(headers: dict[str, str]) -> None:
    app = application(allowed_origins="https://console.example/")

    response = await ask(app, "POST", "/v1/things", headers=headers)

    assert response.status_code == 200


async def test_a_page_without_tls_is_not_the_own_page_of_a_service_behind_tls() -> None:
    transport = httpx.ASGITransport(application())
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as http:
        answers = [
            await http.post("/v1/things", headers={"origin": origin})
            for origin in ("http://localhost", "https://localhost")
        ]

    assert [answer.status_code for answer in answers] == [403, 200]


async def test_reading_is_open_to_other_origins_but_without_permission_to_see_it() -> None:
    response = await ask(application(), "GET", "/v1/things", headers={"origin": "https://evil.example"})

    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "text/plain;application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "json",
        "",
    ],
)
async def test_a_body_that_is_not_json_is_refused(media_type: str) -> None:
    headers = {"content-type": media_type} if media_type else {}

    response = await ask(application(), "POST", "/v1/things", content=b"{}", headers=headers)

    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    assert "send application/json" in response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "media_type", "status"),
    [
        ("/v1/things", "application/json; charset=utf-8", 200),
        ("/v1/things", "application/cloudevents+json", 200),
        ("/v1/tables", "text/csv; charset=utf-8", 200),
        ("/v1/tables", "application/json", 200),
        ("/v1/tables", "text/plain", 415),
        ("/hook/secret", "text/plain", 200),
        ("/hookx", "text/plain", 415),
    ],
)
async def test_each_path_accepts_its_media_types(path: str, media_type: str, status: int) -> None:
    response = await ask(application(), "POST", path, content=b"{}", headers={"content-type": media_type})

    assert response.status_code == status


async def test_a_body_of_two_types_is_refused() -> None:
    headers = [("content-type", "application/json"), ("content-type", "text/plain")]

    response = await ask(application(), "POST", "/v1/things", content=b"{}", headers=headers)

    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


async def test_a_body_without_a_length_needs_its_type_too() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"{}"

    transport = httpx.ASGITransport(application())
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:5000") as http:
        response = await http.post("/v1/things", content=pieces(), headers={"content-type": "text/plain"})

    assert "content-length" not in response.request.headers
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


async def test_a_request_without_a_body_needs_no_media_type() -> None:
    app = application()

    answers = [await ask(app, "DELETE", "/v1/things"), await ask(app, "POST", "/v1/things", content=b"")]

    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/v1/things", {}),
        ("GET", "/nothing", {}),
        ("GET", "/metrics", {}),
        ("GET", "/metrics", {"host": "evil.example"}),
        ("POST", "/v1/things", {"origin": "https://evil.example"}),
    ],
)
async def test_every_response_says_what_browsers_and_caches_may_do(
    method: str, path: str, headers: dict[str, str]
) -> None:
    response = await ask(application(), method, path, headers=headers)

    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["referrer-policy"] == "same-origin"
    assert response.headers["cache-control"] == "no-store"
    assert "default-src 'none'; frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert "strict-transport-security" not in response.headers


async def test_transport_security_is_promised_behind_tls_only() -> None:
    transport = httpx.ASGITransport(application())
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as http:
        response = await http.get("/health/live")

    assert response.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"host": "evil.example"}, "misdirected_request"),
        ({"origin": "https://evil.example"}, "foreign_origin"),
        ({"content-type": "text/plain"}, "unsupported_media_type"),
        ({"content-type": "application/json", "content-length": "9000000"}, "body_too_large"),
    ],
)
async def test_a_refusal_is_counted_and_logged_with_its_source(headers: dict[str, str], reason: str) -> None:
    app = application()
    with capture_logs() as lines:
        for _ in range(60):
            await ask(app, "POST", "/v1/things", content=b"x", headers=headers)
    page = (await ask(app, "GET", "/metrics")).text
    refused = [line for line in lines if line["event"] == "request_refused"]

    assert f'transport_refusals_total{{reason="{reason}"}} 60.0' in page
    assert {(line["reason"], line["source"], line["path"]) for line in refused} == {(reason, "127.0.0.1", "/v1/things")}
    assert BURST <= len(refused) <= BURST + 2
    assert refused[-1]["is_throttled"]


async def test_the_reasons_of_refusals_are_known_before_the_first() -> None:
    page = (await ask(application(), "GET", "/metrics")).text

    assert page.count("transport_refusals_total{") == len(REASONS)
