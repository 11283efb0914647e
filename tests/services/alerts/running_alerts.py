"""Runs the alerts service in this process or as a separate one."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx

from seatrial_alerts.app import build
from seatrial_alerts.settings import AlertsSettings

SECRET = "webhook-secret"


def figures(drawdown: float | None, sequence: int = 1) -> dict[str, Any]:
    return {
        "as_of": "2026-01-05T00:00:00Z",
        "sequence": sequence,
        "items": [
            {
                "environment": "paper",
                "occurred_at": "2026-01-05T00:00:00Z",
                "values": {"drawdown_ratio": drawdown},
                "undefined": {} if drawdown is not None else {"drawdown_ratio": "the engine sent no heartbeat"},
            }
        ],
    }


@asynccontextmanager
async def running(
    database_url: str, metrics_url: str, webhook_url: str = "", **others: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """Run the service in this process; the other settings are keyword arguments."""
    usual = {"update_interval_seconds": 0.1, "delivery_timeout_seconds": 1.0, "webhook_secret": SECRET}
    usual["engine_url"] = "http://127.0.0.1:9"  # a closed port, never the real engine of this machine
    settings = AlertsSettings(
        **{"database_url": database_url, "metrics_url": metrics_url, "webhook_url": webhook_url, **usual, **others}
    )
    app = build(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as http,
    ):
        yield http


async def listed(http: httpx.AsyncClient, **params: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await http.get("/v1/alerts", params=params)).json()["items"]
    return items


async def has_alert(http: httpx.AsyncClient) -> bool:
    """Return whether any alert was raised."""
    return bool(await listed(http))


@contextmanager
def process(module: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a service in a separate process and kill it at the end."""
    command = [sys.executable, "-m", module]
    started = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        yield started
    finally:
        started.kill()
        started.wait()
