"""The pages a person meets on each service, and what HEAD, OPTIONS and a wrong path or method get."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from seatrial_service.routing import public, service_router
from seatrial_service.settings import ServiceSettings
from seatrial_service.transport.page_policy import PagePolicy
from seatrial_service.transport.response_headers import ResponseHeaders
from seatrial_service.web import VERSION, ServiceParts, create_app

OPEN = [public("pages are under test")]
HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def application(**settings: str) -> FastAPI:
    router = service_router(prefix="/v1")

    @router.get("/things/{name}", dependencies=OPEN)
    async def read(name: str) -> dict[str, str]:
        return {"name": name}

    @router.delete("/things/{name}", dependencies=OPEN)
    async def remove(name: str) -> dict[str, str]:
        return {"removed": name}

    async def ready() -> None:
        pass

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    parts = ServiceParts("things", "Seatrial <things>", [router], lifespan, ready)
    return create_app(parts, ServiceSettings.load(**settings), CollectorRegistry())


async def ask(app: FastAPI, method: str, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:5000") as http:
        return await http.request(method, path, headers=headers)


async def test_the_first_page_links_to_what_a_person_looks_for() -> None:
    response = await ask(application(console_url="https://console.example/?a=1&b=2"), "GET", "/", HTML)

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "Seatrial &lt;things&gt;" in response.text
    assert VERSION in response.text
    links = re.findall(r'href="([^"]*)"', response.text)
    assert {"/docs", "/metrics", "/health/live", "/openapi.json", "https://console.example/?a=1&amp;b=2"} <= set(links)
    assert 'name="viewport"' in response.text
    assert "color-scheme: light dark" in response.text


async def test_the_first_page_runs_no_script_and_loads_nothing() -> None:
    response = await ask(application(), "GET", "/", HTML)

    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"<script|<img|<link|src=|url\(", response.text)


async def test_every_link_of_the_first_page_is_a_route() -> None:
    app = application()

    document = (await ask(app, "GET", "/")).json()

    assert (document["service"], document["version"]) == ("things", VERSION)
    assert "console" not in document["links"]
    statuses = {link: (await ask(app, "GET", link)).status_code for link in document["links"].values()}
    assert set(statuses.values()) == {200}, statuses


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_documentation_loads_files_of_this_service_only(path: str) -> None:
    app = application()

    response = await ask(app, "GET", path, HTML)

    sources = re.findall(r'(?:src|href)="([^"]*)"', response.text)
    assert sources
    for source in sources:
        asset = await ask(app, "GET", source)
        assert asset.status_code == 200
        assert len(asset.content) > 1_000
        assert b"cdn.redoc.ly" not in asset.content
    policy = response.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert "http" not in policy


@pytest.mark.parametrize("path", ["/docs-assets/nothing.js", "/docs-assets/..%2fcore.py", "/docs-assets/%2e%2e/a"])
async def test_no_other_file_is_served(path: str) -> None:
    assert (await ask(application(), "GET", path)).status_code == 404


async def test_browsers_find_an_icon() -> None:
    response = await ask(application(), "GET", "/favicon.ico")

    assert (response.status_code, response.headers["content-type"]) == (200, "image/png")


@pytest.mark.parametrize("path", ["/health/live", "/", "/docs", "/metrics", "/v1/things/a"])
async def test_head_is_get_without_a_body(path: str) -> None:
    app = application()

    head, get = await ask(app, "HEAD", path), await ask(app, "GET", path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]


async def test_options_and_a_wrong_method_name_all_methods() -> None:
    app = application()

    options = await ask(app, "OPTIONS", "/v1/things/a")
    wrong = await ask(app, "POST", "/v1/things/a")

    assert (options.status_code, wrong.status_code) == (204, 405)
    assert options.headers["allow"] == wrong.headers["allow"] == "GET, DELETE, HEAD, OPTIONS"
    assert "access-control-allow-origin" not in options.headers


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("OPTIONS", "/nothing"), ("PATCH", "/v1/things/a")])
async def test_a_wrong_path_or_method_is_shown_the_first_page(method: str, path: str) -> None:
    response = await ask(application(), method, path)

    assert response.status_code in {404, 405}
    assert path in response.json()["detail"]
    assert method in response.json()["detail"]
    assert "GET / links to all routes" in response.json()["detail"]


@pytest.mark.parametrize("path", ["//v1/things/a", "/v1//things/a", "/v1/%2e%2e/v1/things/a", "/V1/things/a"])
async def test_a_path_has_one_spelling(path: str) -> None:
    response = await ask(application(), "GET", f"http://localhost:5000{path}")

    assert response.status_code == 404


async def test_a_page_of_another_program_may_run_its_own_scripts_only() -> None:
    html = "<script src='a.js'></script><script>start()</script>"

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        await HTMLResponse(html)(scope, receive, send)

    transport = httpx.ASGITransport(ResponseHeaders(PagePolicy(page)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        response = await http.get("/")

    policy = response.headers.get_list("content-security-policy")
    digest = base64.b64encode(hashlib.sha256(b"start()").digest()).decode()
    assert len(policy) == 1
    assert f"script-src 'self' 'sha256-{digest}';" in policy[0]
    assert response.text == html
