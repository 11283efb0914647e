"""OWASP API 2023, API1, API3 and API5: the scope of every route, for every token, and no field beyond the declared."""

import asyncio
from itertools import count

import pytest
from tests.unit.service.test_routing import BUILDERS, NOWHERE, EndlessBody, applications

from seatrial_service.auth import SCOPES
from seatrial_service.routing import service_routes

# The scope that each route requires. A change here changes what a token in use may do.
ROUTES = {
    "GET /health/detail": "metrics:read",
    "POST /v1/events": "events:write",
    "GET /v1/events": "metrics:read",
    "GET /v1/conflicts": "metrics:read",
    "GET /v1/schema/events": "metrics:read",
    "GET /v1/snapshot": "metrics:read",
    "GET /v1/engines": "metrics:read",
    "GET /v1/performance": "metrics:read",
    "GET /v1/equity": "metrics:read",
    "GET /v1/rules": "alerts:read",
    "GET /v1/rules/{name}": "alerts:read",
    "PUT /v1/rules/{name}": "alerts:write",
    "DELETE /v1/rules/{name}": "alerts:write",
    "GET /v1/thresholds": "alerts:read",
    "PUT /v1/thresholds": "alerts:write",
    "GET /v1/alerts": "alerts:read",
    "GET /v1/alerts/{alert_id}": "alerts:read",
    "GET /v1/alerts/{alert_id}/history": "alerts:read",
    "POST /v1/alerts/{alert_id}/acknowledge": "alerts:write",
    "GET /v1/silences": "alerts:read",
    "POST /v1/silences": "alerts:write",
    "DELETE /v1/silences/{silence_id}": "alerts:write",
    "GET /v1/deliveries": "alerts:read",
    "POST /v1/test-notification": "alerts:write",
    "GET /v1/breaker": "alerts:read",
    "POST /v1/breaker/resume": "alerts:write",
    "POST /v1/datasets": "backtest:run",
    "GET /v1/datasets": "backtest:read",
    "GET /v1/datasets/{dataset_id}": "backtest:read",
    "POST /v1/backtests": "backtest:run",
    "GET /v1/backtests": "backtest:read",
    "GET /v1/backtests/{job_id}": "backtest:read",
    "GET /v1/backtests/{job_id}/result": "backtest:read",
    "DELETE /v1/backtests/{job_id}": "backtest:run",
    "GET /v1/strategies": "backtest:read",
    "POST /v1/signals": "engine:trade",
    "POST /v1/orders": "engine:trade",
    "POST /v1/orders/check": "engine:trade",
    "POST /v1/prices": "engine:trade",
    "GET /v1/orders": "engine:trade",
    "GET /v1/orders/{identity}": "engine:trade",
    "GET /v1/ledger": "engine:trade",
    "GET /v1/positions": "engine:trade",
    "GET /v1/accounts": "engine:trade",
    "GET /v1/account": "engine:trade",
    "GET /v1/outbox": "engine:trade",
    "GET /v1/control": "engine:control",
    "POST /v1/control/halt": "engine:control",
    "POST /v1/control/reduce": "engine:control",
    "POST /v1/control/resume": "engine:control",
    "POST /v1/replays": "engine:trade",
    "GET /v1/replays/{identity}": "engine:trade",
    "DELETE /v1/replays/{identity}": "engine:trade",
    "GET /v1/replays/{identity}/trades": "engine:trade",
    "GET /v1/schema/rules": "backtest:read",
    "GET /v1/plans": "stress:read",
    "POST /v1/runs": "stress:run",
    "GET /v1/runs": "stress:read",
    "GET /v1/runs/{identity}": "stress:read",
    "DELETE /v1/runs/{identity}": "stress:run",
    "POST /v1/workers/{worker}/assignment": "stress:work",
    "POST /v1/workers/{worker}/runs/{run}/beat": "stress:work",
    "POST /v1/workers/{worker}/journal": "stress:work",
    "POST /v1/workers/{worker}/end": "stress:work",
}
# Bodies whose fields are checked by their own parser, which refuses unknown ones, or whose keys are data.
OPEN_BODIES = {"POST /v1/signals", "POST /v1/orders/check", "PUT /v1/thresholds"}
TOKEN_BY_SCOPE = {scope: f"token-with-only-{scope.replace(':', '-')}" for scope in SCOPES}
TOKENS = ";".join(f"{token}={scope}" for scope, token in TOKEN_BY_SCOPE.items())
ANSWER_SECONDS = 5.0


def test_every_route_requires_the_scope_that_is_declared_here() -> None:
    required = {
        f"{method} {route.path}": ",".join(route.scopes)
        for app in applications()
        for method, route in service_routes(app)
        if route.scopes
    }

    assert required == ROUTES


async def _status(app: object, method: str, path: str, token: str) -> int:
    body = EndlessBody(method, path, f"Bearer {token}")
    async with asyncio.timeout(ANSWER_SECONDS):
        await app(body.scope, body.receive, body.send)  # type: ignore[operator]
    return body.statuses[0]


@pytest.mark.parametrize("number", range(len(BUILDERS)))
async def test_a_token_is_admitted_by_the_routes_of_its_scope_and_by_no_other(number: int) -> None:
    build, settings = BUILDERS[number]
    app = build(settings(database_url=NOWHERE, tokens=TOKENS))
    checked = count()
    for method, route in service_routes(app):
        if not route.scopes:
            continue
        path = route.path.replace("{", "").replace("}", "")
        for scope in sorted(SCOPES - {"admin", ROUTES[f"{method} {route.path}"]}):
            assert await _status(app, method, path, TOKEN_BY_SCOPE[scope]) == 403, (method, path, scope)
            next(checked)
        for scope in (ROUTES[f"{method} {route.path}"], "admin"):
            status = await _status(app, method, path, TOKEN_BY_SCOPE[scope])
            assert status not in {401, 403, 421, 429}, (method, path, scope)

    assert next(checked) > 0


def test_no_body_accepts_a_field_that_is_not_declared() -> None:
    open_bodies = set()
    for app in applications():
        document = app.openapi()
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                media = operation.get("requestBody", {}).get("content", {}).get("application/json")
                if media is None or media["schema"].get("type") == "array":
                    continue
                reference = media["schema"].get("$ref", "").rpartition("/")[2]
                schema = document["components"]["schemas"][reference] if reference else media["schema"]
                if schema.get("additionalProperties") is not False:
                    open_bodies.add(f"{method.upper()} {path}")

    assert open_bodies == OPEN_BODIES
