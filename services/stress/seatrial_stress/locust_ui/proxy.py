"""Reverse proxy of Locust's page: requires a login, and turns its start form into a run."""

import json
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import httpx
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from seatrial_core import spreadsheet
from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import (
    Forbidden,
    SeatrialError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    ValidationFailed,
)
from seatrial_service.auth import Principal
from seatrial_service.authorisation import Access
from seatrial_service.problems import MEDIA_TYPE, add_handlers, answer, seatrial_problem
from seatrial_service.routing import PageRoute, ServiceRoute, public, require_service_routes, requires, service_router
from seatrial_service.settings import is_loopback
from seatrial_stress.locust_ui import form
from seatrial_stress.locust_ui.pages import adapted, login_page, message_page, with_labels
from seatrial_stress.locust_ui.process import LocustProcess
from seatrial_stress.locust_ui.sessions import MAX_SECONDS, PageSessions
from seatrial_stress.service import StressService

TOKEN_ENDED = "The token of this session"
SESSION_ENDED = "Your session has ended, after 30 minutes without use or a restart of the service. Log in again."
COOKIE = "seatrial_session"
SECURE_COOKIE = "__Host-seatrial_session"
FORWARDED_POSTS = frozenset({"/stop", "/stats/reset"})
POST_ONLY = FORWARDED_POSTS | {"/swarm"}
MAX_FORM_BYTES = 64 << 10
MAX_PATH = 100
FORWARDED_HEADERS = ("content-type", "cache-control", "content-disposition", "etag", "last-modified")


def build(service: StressService, locust: LocustProcess, access: Access, clock: Clock) -> FastAPI:
    """Return the proxy application.

    Args:
        service: Starts and stores runs.
        locust: The Locust process that serves the page.
        access: Admits requests with a token; without configured tokens, only this machine is admitted.
        clock: The source of time of the sessions.
    """
    app = FastAPI(title="Seatrial load page", docs_url=None, redoc_url=None, openapi_url=None)
    app.router.route_class = ServiceRoute
    sessions = PageSessions(clock)

    def find_session(request: Request) -> Principal | None:
        session = sessions.find(_cookie(request))
        return session.principal if session is not None else None

    app.state.access = access.with_sessions(find_session)
    add_handlers(app)
    _show_the_form_to_browsers(app)
    app.include_router(_login(sessions, access))
    app.include_router(_page(service, locust, sessions, access))
    require_service_routes(app)
    return app


def _login(sessions: PageSessions, access: Access) -> APIRouter:
    router = service_router(route_class=PageRoute, dependencies=[public("the form carries the token")])

    @router.post("/login")
    async def login(request: Request) -> Response:
        token = (await _read_form(request)).get("token", [""])[0].strip()
        principal = await access.principal_of_token(token) if token else None
        if principal is None:
            raise Unauthenticated("This token is not known here, has expired or was revoked. Check it and try again.")
        principal.require("stress:read")
        sessions.close(_cookie(request))
        is_secure = request.url.scheme == "https"  # as the trusted proxy says
        response = RedirectResponse("./", status_code=303)
        response.set_cookie(
            _cookie_name(request, is_secure=is_secure),
            sessions.open(principal, token),
            max_age=int(MAX_SECONDS),
            secure=is_secure,
            httponly=True,
            samesite="strict",
        )
        return response

    @router.post("/logout")
    async def logout(request: Request) -> Response:
        sessions.close(_cookie(request))
        response = RedirectResponse("./?logged-out", status_code=303)
        response.delete_cookie(_cookie_name(request, is_secure=False))
        response.delete_cookie(_cookie_name(request, is_secure=True), secure=True)
        return response

    @router.get("/login")
    @router.get("/logout")
    async def to_the_page() -> Response:
        # An address from the history of the browser; only the buttons log in and out.
        return RedirectResponse("./", status_code=303)

    return router


def _page(service: StressService, locust: LocustProcess, sessions: PageSessions, access: Access) -> APIRouter:
    async def live_session(request: Request) -> None:
        identity = _cookie(request)
        session = sessions.find(identity)
        if session is not None and await access.principal_of_token(session.token) is None:
            sessions.close(identity)
            raise Unauthenticated(f"{TOKEN_ENDED} has expired or was revoked. Log in with another one.")

    def local_only(request: Request) -> None:
        host = request.headers.get("host", "")
        if not access.tokens.configured and not is_loopback(urlsplit(f"//{host}").hostname or ""):
            raise Forbidden(f"without tokens this page is served on localhost only, not on {host[:100]!r}")

    router = service_router(route_class=PageRoute, dependencies=[Depends(live_session), Depends(local_only)])

    @router.post("/swarm", dependencies=[requires("stress:run")])
    async def swarm(request: Request) -> Response:
        try:
            run_request = form.parse(await _read_form(request))
            state = await service.start(run_request, origin="ui", run_load=locust.run_load)
        except Forbidden:
            raise
        except SeatrialError as error:
            return _swarm_refused(error)
        message = f"run {state.id} of {state.plan} started; its verdict will be at /v1/runs/{state.id}"
        return JSONResponse({"success": True, "message": message, "host": state.target})

    @router.get("/{path:path}", dependencies=[requires("stress:read")])
    async def show(request: Request) -> Response:
        if request.url.path in POST_ONLY:
            return _only_post(request)
        return await _forward(locust, request)

    @router.post("/{path:path}", dependencies=[requires("stress:run")])
    async def other(path: str, request: Request) -> Response:
        if f"/{path}" not in FORWARDED_POSTS:
            raise Forbidden(f"the load page does not accept POST /{path}; start runs with its form")
        return await _forward(locust, request)

    return router


def _show_the_form_to_browsers(app: FastAPI) -> None:
    @app.exception_handler(Unauthenticated)
    @app.exception_handler(Forbidden)
    @app.exception_handler(TooManyRequests)
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, SeatrialError)
        headers = dict(error.headers)
        if request.url.path == "/login":
            return login_page(error.detail, error.status, headers)
        if not _is_page(request):
            return seatrial_problem(error)
        if isinstance(error, Unauthenticated):
            return login_page(_why_log_in(request, error), error.status, headers)
        return message_page(error.detail, error.status, headers)


def _why_log_in(request: Request, error: SeatrialError) -> str:
    if "logged-out" in request.query_params:
        return "You are logged out."
    if not _cookie(request):
        return ""
    ended_token = error.detail if error.detail.startswith(TOKEN_ENDED) else ""
    return ended_token or SESSION_ENDED


def _is_page(request: Request) -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def _swarm_refused(error: SeatrialError) -> Response:
    # Locust's own clients read `success` and `message`.
    problem = json.loads(bytes(seatrial_problem(error).body))
    content = {**problem, "success": False, "message": error.detail}
    return JSONResponse(content, error.status, dict(error.headers), MEDIA_TYPE)


def _only_post(request: Request) -> Response:
    path = request.url.path
    if _is_page(request):
        return RedirectResponse("/", status_code=303)
    detail = f"{path} takes POST only; the page at / has the buttons for it"
    return answer(405, "method_not_allowed", detail, headers={"Allow": "POST"})


def _cookie(request: Request) -> str:
    names = (_cookie_name(request, is_secure=True), _cookie_name(request, is_secure=False))
    return next((request.cookies[name] for name in names if request.cookies.get(name)), "")


def _cookie_name(request: Request, *, is_secure: bool) -> str:
    # Browsers send a cookie to every port of a host: with the port in the name, two load pages of one machine do not
    # end each other's sessions.
    _, port = request.scope.get("server") or ("", None)
    return f"{SECURE_COOKIE if is_secure else COOKIE}_{port or 80}"


async def _read_form(request: Request) -> Mapping[str, list[str]]:
    body = await request.body()
    if len(body) > MAX_FORM_BYTES:
        raise ValidationFailed(f"the form has {len(body)} bytes, the limit is {MAX_FORM_BYTES}")
    return parse_qs(body.decode("utf-8", errors="replace"))


async def _forward(locust: LocustProcess, request: Request) -> Response:
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    try:
        response = await locust.http.request(request.method, path)
    except httpx.HTTPError:
        return _failed(request, 503, "Locust is starting; reload in a few seconds.", {"Retry-After": "2"})
    headers = {name: response.headers[name] for name in FORWARDED_HEADERS if name in response.headers}
    content = response.content
    media_type = response.headers.get("content-type", "")
    if response.status_code >= 400 and media_type.startswith("text/html"):  # Flask's own pages
        return _failed(request, response.status_code, f"There is no {request.url.path[:MAX_PATH]} on the load page.")
    if media_type.startswith("text/csv"):
        try:
            content = spreadsheet.defused(response.text).encode()  # error texts come from the engine under test
        except ValueError as error:
            raise Unavailable(f"Locust's table cannot be passed on: {error}") from error
    elif media_type.startswith("text/html") and request.url.path == "/":
        content = adapted(response.text, with_logout=bool(_cookie(request))).encode()
    elif "javascript" in media_type:
        content = with_labels(response.text).encode()
    return Response(content, response.status_code, headers)


def _failed(request: Request, status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    if _is_page(request):
        return message_page(message, status, headers)
    code = "not_found" if status == 404 else "unavailable" if status >= 500 else "bad_request"
    return answer(status, code, message, headers=headers)
