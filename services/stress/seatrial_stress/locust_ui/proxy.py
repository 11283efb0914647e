"""Reverse proxy of Locust's page: requires a login and our own origin, and turns its start form into a run."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from seatrial_core import spreadsheet
from seatrial_core.errors import Forbidden, SeatrialError, Unauthenticated, ValidationFailed
from seatrial_service.access import Access
from seatrial_service.auth import OPEN, Tokens
from seatrial_service.problems import add_handlers
from seatrial_service.settings import is_loopback
from seatrial_stress.locust_ui import form
from seatrial_stress.locust_ui.process import LocustProcess
from seatrial_stress.locust_ui.sessions import PageSessions
from seatrial_stress.service import StressService

COOKIE = "seatrial_session"
FORWARDED_POSTS = frozenset({"/stop", "/stats/reset"})
MAX_FORM_BYTES = 64 << 10
FORWARDED_HEADERS = ("content-type", "cache-control", "content-disposition", "etag", "last-modified")
SECURITY_HEADERS = {"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
LOGIN_PAGE = (Path(__file__).parent / "login.html").read_text(encoding="utf-8")


def build(service: StressService, locust: LocustProcess, access: Access, sessions: PageSessions) -> FastAPI:
    """Return the proxy application.

    Args:
        service: Starts and stores runs.
        locust: The Locust process that serves the page.
        access: Admits requests; without tokens, only this machine is admitted.
        sessions: The sessions of people who have logged in.
    """
    app = FastAPI(title="Seatrial load page", docs_url=None, redoc_url=None, openapi_url=None)
    add_handlers(app)
    tokens = access.tokens

    @app.post("/login")
    async def login(request: Request) -> Response:
        _require_own_origin(request, tokens)
        token = (await _read_form(request)).get("token", [""])[0]
        principal = await access.principal_of_token(token) if tokens.configured else OPEN
        if principal is None or not {"stress:read", "admin"} & principal.scopes:
            wrong = Unauthenticated("this token is not known here, has ended or lacks the scope `stress:read`")
            error = access.refusal(request, "/login", wrong)
            page = LOGIN_PAGE.replace("<form", f'<p role="alert">{escape(_sentence(error))}</p>\n<form', 1)
            return HTMLResponse(page, error.status, error.headers)
        sessions.end(request.cookies.get(COOKIE, ""))
        response = RedirectResponse("./", status_code=303)
        is_tls = request.url.scheme == "https"
        response.set_cookie(COOKIE, sessions.open(token), httponly=True, samesite="strict", secure=is_tls)
        return response

    @app.post("/logout")
    async def logout(request: Request) -> Response:
        _require_own_origin(request, tokens)
        sessions.end(request.cookies.get(COOKIE, ""))
        response = RedirectResponse("./", status_code=303)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response

    @app.post("/swarm")
    async def swarm(request: Request) -> Response:
        _require_own_origin(request, tokens)
        await _authorise(request, access, sessions, "stress:run")
        try:
            run_request = form.parse(await _read_form(request))
            state = await service.start(run_request, origin="ui", run_load=locust.run_load)
        except Forbidden:
            raise
        except SeatrialError as error:  # Locust's page shows the message
            return JSONResponse({"success": False, "message": error.detail})
        message = f"run {state.id} of {state.plan} started; its verdict will be at /v1/runs/{state.id}"
        return JSONResponse({"success": True, "message": message, "host": state.target})

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def other(path: str, request: Request) -> Response:
        _require_own_origin(request, tokens)
        try:
            scope = "stress:read" if request.method == "GET" else "stress:run"
            await _authorise(request, access, sessions, scope)
        except Unauthenticated:
            if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
                return HTMLResponse(LOGIN_PAGE, status_code=401)
            raise
        if request.method == "POST" and f"/{path}" not in FORWARDED_POSTS:
            raise Forbidden(f"the load page does not accept POST /{path}; start runs with its form")
        return await _forward(locust, request)

    return app


def _require_own_origin(request: Request, tokens: Tokens) -> None:
    host = request.headers.get("host", "")
    if not tokens.configured and not is_loopback(urlsplit(f"//{host}").hostname or ""):
        raise Forbidden(f"without tokens this page is served on localhost only, not on {host[:100]!r}")
    if request.method == "GET":
        return
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        raise Forbidden(f"a page of {origin[:100]} may not post to this one")
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Forbidden("another site may not post to this page")


async def _authorise(request: Request, access: Access, sessions: PageSessions, scope: str) -> None:
    cookie = request.cookies.get(COOKIE, "")
    token = sessions.token_of(cookie) if "authorization" not in request.headers else None
    principal = await access.principal_of_token(token) if token is not None else None
    if principal is not None:
        principal.require(scope)
        return
    if token is not None:  # the token has expired or was revoked
        sessions.end(cookie)
    await access.admit(request, "/" if request.method == "GET" else "/swarm", (scope,))


def _sentence(error: SeatrialError) -> str:
    return f"{error.detail[:1].upper()}{error.detail[1:]}."


async def _read_form(request: Request) -> Mapping[str, list[str]]:
    body = await request.body()
    if len(body) > MAX_FORM_BYTES:
        raise ValidationFailed(f"the form has {len(body)} bytes, the limit is {MAX_FORM_BYTES}")
    return parse_qs(body.decode("utf-8", errors="replace"))


async def _forward(locust: LocustProcess, request: Request) -> Response:
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    try:
        answer = await locust.http.request(request.method, path)
    except httpx.HTTPError:
        return HTMLResponse(
            "Locust is starting; reload in a few seconds.", status_code=503, headers={"Retry-After": "2"}
        )
    headers = {name: answer.headers[name] for name in FORWARDED_HEADERS if name in answer.headers}
    content = answer.content
    if answer.headers.get("content-type", "").startswith("text/csv"):
        content = spreadsheet.defused(answer.text).encode()  # error texts come from the engine under test
    return Response(content, answer.status_code, {**headers, **SECURITY_HEADERS})
