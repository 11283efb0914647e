"""Error handlers that respond with problem+json."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from seatrial_core import field_messages
from seatrial_core.characters import printable_lines
from seatrial_core.contracts.problems import FieldProblem, Problem
from seatrial_core.errors import SeatrialError
from seatrial_core.quoting import quote
from seatrial_core.redaction import redact
from seatrial_service import logs
from seatrial_service.json_body import MalformedJson
from seatrial_service.shown_path import shown_path
from seatrial_service.transport.methods import allowed_methods

MEDIA_TYPE = "application/problem+json"
_CODES = {404: "not_found", 405: "method_not_allowed", 401: "unauthenticated", 403: "forbidden"}
MAX_FIELD = 200
MAX_READ = 10_000
MAX_ERRORS = 100
MAX_DETAIL = 2_000


def _documented(description: str, status: int, code: str, detail: str) -> dict[str, Any]:  # Any: OpenAPI is free JSON
    example = Problem(
        title=code.replace("_", " ").capitalize(), status=status, detail=detail, code=code, request_id="01929b2f6e"
    )
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": schema, "example": example.model_dump(mode="json")}},
    }


_UNKNOWN = (401, "unauthenticated", "this token is not known here")
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI is free JSON
    "4XX": {**_documented("What was wrong, what was found, what to do", *_UNKNOWN), "model": Problem}
}
# What every route that requires a scope may answer before it reads the body.
ACCESS_RESPONSES: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI is free JSON
    401: _documented("No token, or one that is unknown, expired or revoked", *_UNKNOWN),
    403: _documented("The token lacks the scope", 403, "forbidden", "this token lacks the scope `engine:trade`"),
    429: _documented(
        "Too many refused attempts from this address; a valid token is still admitted",
        429,
        "too_many_requests",
        "too many refused attempts from this address; wait 30 s",
    ),
}


def add_handlers(app: FastAPI) -> None:
    """Register handlers that respond to every error with a problem."""

    @app.exception_handler(SeatrialError)
    async def seatrial_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, SeatrialError)
        return seatrial_problem(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        unread = error.__cause__.__cause__ if error.__cause__ is not None else None
        if isinstance(unread, MalformedJson):
            return answer(unread.status, unread.code, unread.detail)
        return _validation_problem(error)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        code = _CODES.get(error.status_code, "http_error")
        detail = str(error.detail)
        if error.status_code in {404, 405} and detail == HTTPStatus(error.status_code).phrase:
            detail = _no_route(request, error.headers or {})
        return answer(error.status_code, code, detail, headers=dict(error.headers or {}))


def _no_route(request: Request, headers: Mapping[str, str]) -> str:
    path = shown_path(request.scope["path"])[:MAX_FIELD]
    methods = allowed_methods(request.scope) or headers.get("Allow", "")
    if methods:
        return f"{path} does not take {request.method}; it takes {methods}; GET / links to all routes"
    return f"there is no {request.method} {path} here; GET / links to all routes"


def seatrial_problem(error: SeatrialError) -> JSONResponse:
    """Return one of our errors as a response."""
    fields = [FieldProblem(field=e.field, value=_quote(e.value), allowed=e.allowed) for e in error.errors[:MAX_ERRORS]]
    return answer(error.status, error.code, error.detail, fields, error.headers)


def answer(
    status: int,
    code: str,
    detail: str,
    errors: list[FieldProblem] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Return one problem as a response."""
    problem = Problem(
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=printable_lines(detail if len(detail) <= MAX_DETAIL else detail[:MAX_DETAIL] + "..."),
        code=code,
        errors=[_encodable(field) for field in errors or []],
        request_id=logs.request_id.get(),
    )
    return JSONResponse(jsonable_encoder(problem), status_code=status, headers=headers, media_type=MEDIA_TYPE)


def _encodable(problem: FieldProblem) -> FieldProblem:
    field, allowed = printable_lines(problem.field[:MAX_FIELD]), printable_lines(problem.allowed)
    return problem.model_copy(update={"field": field, "allowed": allowed})


def _validation_problem(error: RequestValidationError) -> JSONResponse:
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        reason = problems[0].get("ctx", {}).get("error", "not JSON")
        return answer(400, "malformed_json", f"the body is not valid JSON: {reason}; send application/json")
    fields = [
        FieldProblem(
            field=".".join(str(part) for part in problem["loc"] if part != "body") or "body",
            value=None if problem["type"] == "missing" else _quote(problem.get("input")),
            allowed=field_messages.allowed(problem),
        )
        for problem in problems[:MAX_ERRORS]
    ]
    pairs = zip(fields, problems, strict=False)
    sentences = [field_messages.describe(field.field, field.value, problem) for field, problem in pairs]
    return answer(422, "validation_failed", field_messages.join(sentences, len(problems)), fields)


def _quote(value: object) -> object:
    # Redacted before it is cut, because a secret is recognised by what surrounds it.
    quoted = quote(value, MAX_READ)
    return quote(redact(quoted)) if isinstance(quoted, str) else quoted
