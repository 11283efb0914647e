"""An engine service in this process, over a real Postgres."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from tests.support.waiting import wait_until_async

from seatrial_core.clock import SystemClock
from seatrial_engine.app import build
from seatrial_engine.settings import EngineSettings

SECRET = "a-secret-of-the-tests"
TOKEN = "a-token-of-the-tests"


class EngineDoor:
    """The public door of one engine."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def signal(self, **fields: Any) -> dict[str, Any]:
        """Send a signal, which must be answered with 200."""
        return await self.post("/v1/signals", fields, 200)

    async def post(self, path: str, body: Any, status: int = 200) -> dict[str, Any]:
        """Return the JSON of a POST, which must have the status."""
        response = await self.http.post(path, json=body)
        assert response.status_code == status, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def get(self, path: str, **params: Any) -> Any:  # Any: JSON
        """Return the JSON of a GET, which must be 200."""
        response = await self.http.get(path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    async def drained(self) -> None:
        """Wait until every event was acknowledged."""

        async def empty() -> bool:
            return bool((await self.get("/v1/outbox"))["pending"] == 0)

        await wait_until_async(empty)


@asynccontextmanager
async def open_engine(url: str, metrics_url: str, **settings: Any) -> AsyncIterator[EngineDoor]:
    """Run an engine until the block ends."""
    values = {"webhook_secret": SECRET, "webhook_token": TOKEN, **settings}
    app = build(EngineSettings.load(database_url=url, metrics_url=metrics_url, **values), SystemClock())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as http,
    ):
        yield EngineDoor(http)
