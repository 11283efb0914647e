"""The table of every service's routes, each with the scope that it requires."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from env_example import SERVICES
from fastapi import FastAPI

from seatrial_alerts.app import build as alerts
from seatrial_backtest.app import build as backtest
from seatrial_engine.app import build as engine
from seatrial_metrics.app import build as metrics
from seatrial_service.routing import service_routes
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
TOKENS = "a-token-that-makes-routes-require-scopes=admin"
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
    rows = {}
    for cls in SERVICES:
        service = service_of(cls)
        app = APPLICATIONS[service](cls(database_url=NOWHERE, tokens=TOKENS))
        scopes = {(method, route.path): route.scopes for method, route in service_routes(app)}
        rows[service] = [
            (f"`{method.upper()} {path}`", _scope(scopes, method.upper(), path), _meaning(operation))
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


def _scope(scopes: Mapping[tuple[str, str], Sequence[str]], method: str, path: str) -> str:
    named = scopes[method, path]
    return ", ".join(f"`{scope}`" for scope in named) if named else UNGUARDED.get(path, "none")
