"""A client of a metrics service in this process, over a real Postgres and a manual clock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from seatrial_core.clock import SystemClock
from seatrial_core.contracts.clock import Clock
from seatrial_metrics.app import build
from seatrial_metrics.settings import MetricsSettings

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class MetricsClient:
    """Calls the public routes of one service."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def push(self, *events: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        """Push a batch and return the response body; the status must be 202."""
        headers = {} if key is None else {"Seatrial-Batch": key}
        response = await self.http.post("/v1/events", json=list(events), headers=headers)
        assert response.status_code == 202, response.text
        body: dict[str, Any] = response.json()
        return body

    async def page(self) -> dict[str, float]:
        """Return the samples of the metrics page."""
        response = await self.http.get("/metrics")
        assert response.status_code == 200, response.text
        return samples(response.text)

    async def get(self, path: str, **params: Any) -> dict[str, Any]:
        """Return the JSON body of a GET; the status must be 200."""
        response = await self.http.get(path, params=params)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body


def samples(page: str) -> dict[str, float]:
    """Return every sample of a page by its name and labels."""
    lines = (line.rsplit(" ", 1) for line in page.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in lines}


@asynccontextmanager
async def open_service(url: str, clock: Clock | None = None, **settings: Any) -> AsyncIterator[MetricsClient]:
    """Run a service until the block ends."""
    app = build(MetricsSettings.load(database_url=url, **settings), clock or SystemClock())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=30) as http,
    ):
        yield MetricsClient(http)
