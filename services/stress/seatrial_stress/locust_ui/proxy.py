"""Locust's page for people: behind a login, from our own origin only, and a start in its form is a run of ours."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qs, quote, unquote, urlsplit

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from seatrial_core.contracts.stress import RunRequest
from seatrial_core.errors import Forbidden, SeatrialError, Unauthenticated, ValidationFailed, field_error
from seatrial_service.auth import Tokens, authorise
from seatrial_service.problems import add_handlers
from seatrial_service.settings import is_loopback
from seatrial_stress.load.processes import USER_CLASSES
from seatrial_stress.locust_ui.process import LocustPage
from seatrial_stress.service import StressService

COOKIE = "seatrial_token"
POSTS = frozenset({"/stop", "/stats/reset"})
FORM_BYTES = 64 << 10
PASSED_ON = ("content-type", "cache-control", "content-disposition", "etag", "last-modified")
LOGIN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Seatrial</title>
<style>body{font:16px system-ui;max-width:26rem;margin:20vh auto;padding:0 1rem}input,button{font:inherit;padding:.4rem}
input{width:100%;box-sizing:border-box;margin:.5rem 0}</style><h1>Load test</h1>
<form method="post" action="login"><label>Token with the scope <code>stress:run</code>
<input name="token" type="password" autocomplete="current-password" required autofocus></label>
<button>Log in</button></form></html>"""


def build(service: StressService, page: LocustPage, tokens: Tokens) -> FastAPI:
    """Return the application that publishes the page.

    Args:
        service: Where runs are started and kept.
        page: The standing Locust process.
        tokens: Who may come in; without any, this machine may.
    """
    app = FastAPI(title="Seatrial load page", docs_url=None, redoc_url=None, openapi_url=None)
    add_handlers(app)

    @app.post("/login")
    async def login(request: Request) -> Response:
        _require_own_origin(request, tokens)
        token = (await _form(request)).get("token", [""])[0]
        authorise(tokens, f"Bearer {token}", "stress:read")
        answer = RedirectResponse("./", status_code=303)
        answer.set_cookie(COOKIE, quote(token, safe=""), httponly=True, samesite="strict")
        return answer

    @app.post("/swarm")
    async def swarm(request: Request) -> Response:
        _require_own_origin(request, tokens)
        _admit(request, tokens, "stress:run")
        try:
            wanted = _wanted(await _form(request))
            state = await service.start(wanted, origin="ui", drive=page.drive)
        except Forbidden:
            raise
        except SeatrialError as error:  # the page shows the sentence to its user
            return JSONResponse({"success": False, "message": error.detail})
        said = f"run {state.id} of {state.plan} has begun; its verdict will be at /v1/runs/{state.id}"
        return JSONResponse({"success": True, "message": said, "host": state.target})

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def other(path: str, request: Request) -> Response:
        _require_own_origin(request, tokens)
        try:
            _admit(request, tokens, "stress:read" if request.method == "GET" else "stress:run")
        except Unauthenticated:
            if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
                return HTMLResponse(LOGIN, status_code=401)
            raise
        if request.method == "POST" and f"/{path}" not in POSTS:
            raise Forbidden(f"the load page takes no POST to /{path}; start runs with its form")
        return await _passed(page, request)

    return app


def _require_own_origin(request: Request, tokens: Tokens) -> None:
    host = request.headers.get("host", "")
    if not tokens.configured and not is_loopback(urlsplit(f"//{host}").hostname or ""):
        raise Forbidden(f"without tokens this page answers to localhost only, not to {host[:100]!r}")
    if request.method == "GET":
        return
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        raise Forbidden(f"a page of {origin[:100]} may not send to this one")
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Forbidden("another page may not send to this one")


def _admit(request: Request, tokens: Tokens, scope: str) -> None:
    header = request.headers.get("authorization")
    cookie = request.cookies.get(COOKIE)
    if header is None and cookie:
        header = f"Bearer {unquote(cookie)}"
    authorise(tokens, header, scope)


async def _form(request: Request) -> Mapping[str, list[str]]:
    body = await request.body()
    if len(body) > FORM_BYTES:
        raise ValidationFailed(f"the form has {len(body)} bytes, allowed are {FORM_BYTES}")
    return parse_qs(body.decode("utf-8", errors="replace"))


def _wanted(form: Mapping[str, list[str]]) -> RunRequest:
    """Read Locust's form: its user class is our plan, its users are requests a second when more than one is asked."""
    plans = {name: plan for plan, name in USER_CLASSES.items()}
    chosen = form.get("user_classes", [])
    if len(chosen) != 1 or chosen[0] not in plans:
        raise field_error("user_classes", ", ".join(chosen), f"exactly one of {', '.join(plans)}")
    users = form.get("user_count", ["1"])[0].strip() or "1"
    if not users.isdecimal() or not 1 <= int(users) <= 2_000:
        raise field_error(
            "user_count", users[:20], "a whole number from 1 to 2000: requests a second, 1 for the plan's"
        )
    return RunRequest.model_validate(
        {
            "plan": plans[chosen[0]],
            "target": form.get("host", [""])[0].strip() or None,
            "duration_seconds": _seconds(form.get("run_time", [""])[0]),
            "rate_per_second": float(users) if int(users) > 1 else None,
        }
    )


def _seconds(text: str) -> float | None:
    """Read `90`, `20s`, `1m30s` or `1h`; None for nothing."""
    if not text.strip():
        return None
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text.strip())
    total = sum(int(part or 0) * unit for part, unit in zip(found.groups(), (3600, 60, 1), strict=True)) if found else 0
    if not 1 <= total <= 3_600:
        raise field_error("run_time", text[:20], "1s to 1h, as 20s or 1m30s")
    return float(total)


async def _passed(page: LocustPage, request: Request) -> Response:
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    try:
        answer = await page.http.request(request.method, path)
    except httpx.HTTPError:
        return HTMLResponse(
            "Locust is starting; reload in a few seconds.", status_code=503, headers={"Retry-After": "2"}
        )
    headers = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
    guards = {"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
    return Response(answer.content, answer.status_code, {**headers, **guards})
