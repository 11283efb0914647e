"""The table of every service's routes, each with the scope that its 403 response names."""

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from env_example import SERVICES
from fastapi import FastAPI

from seatrial_alerts.app import build as alerts
from seatrial_backtest.app import build as backtest
from seatrial_engine.app import build as engine
from seatrial_metrics.app import build as metrics
from seatrial_service.settings import ServiceSettings
from seatrial_stress.app import build as stress

NOWHERE = "postgresql://unused@127.0.0.1:1/unused"  # only the routes of an application are read
APPLICATIONS: dict[str, Callable[[Any], FastAPI]] = {  # Any: each takes its service's settings
    "metrics": metrics,
    "alerts": alerts,
    "backtest": backtest,
    "engine": engine,
    "stress": stress,
}
METHODS = ("get", "post", "put", "patch", "delete")
USELESS_TOKEN = "a-token-without-any-useful-scope"
SCOPE = re.compile(r"lacks the scope `([a-z:]+)`")
# What routes without a bearer token require; any other of them requires nothing.
UNGUARDED = {
    "/metrics": "none on this machine, else `metrics:read`",
    "/metrics/process": "none on this machine, else `metrics:read`",
    "/webhook": "the sender's signature, or `secret` in the body",
    "/webhook/{token}": "the token in the address",
}

Row = tuple[str, str, str]


def service_of(cls: type[ServiceSettings]) -> str:
    """Return the name of a Settings class's service."""
    return str(cls.model_config["env_prefix"]).removeprefix("SEATRIAL_").rstrip("_").lower()


def route_rows() -> dict[str, list[Row]]:
    """Return route, scope and meaning of every route, by service."""
    return asyncio.run(_every_row())


async def _every_row() -> dict[str, list[Row]]:
    rows = {}
    for cls in SERVICES:
        service = service_of(cls)
        # A scope of another service: every guarded route refuses the token, so no handler runs.
        scope = "events:write" if service != "metrics" else "stress:read"
        app = APPLICATIONS[service](cls(database_url=NOWHERE, tokens=f"{USELESS_TOKEN}={scope}"))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://127.0.0.1",
            headers={"Authorization": f"Bearer {USELESS_TOKEN}"},
        ) as client:
            rows[service] = [
                (f"`{method.upper()} {path}`", await _scope(client, method, path, operation), _meaning(operation))
                for method, path, operation in _operations(app)
            ]
    return rows


def _operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:  # Any: OpenAPI's own
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            if method in METHODS:
                yield method, path, operation


def _meaning(operation: dict[str, Any]) -> str:  # Any: OpenAPI's own
    return str(operation.get("description", "")).split("\n\n")[0].replace("\n", " ")


async def _scope(client: httpx.AsyncClient, method: str, path: str, operation: dict[str, Any]) -> str:
    if "security" not in operation:
        return UNGUARDED.get(path, "none")
    answer = await client.request(method, path)
    named = SCOPE.search(answer.text)
    if answer.status_code != 403 or named is None:
        raise SystemExit(f"{method} {path} answered {answer.status_code} to a token without its scope: {answer.text}")
    return f"`{named[1]}`"
