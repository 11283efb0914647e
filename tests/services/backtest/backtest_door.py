"""A backtest service in this process, over a real Postgres; and bars to test with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import numpy as np

from seatrial_backtest.app import build
from seatrial_backtest.settings import BacktestSettings

PATIENCE_SECONDS = 60.0
DAY_MS = 86_400_000
START_MS = 951_868_800_000


class Door:
    """The public door of one service."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def dataset(self, bars: int = 400, seed: int = 1) -> str:
        """Upload random bars and return the dataset's id."""
        response = await self.http.post("/v1/datasets", json={"symbol": "TEST", "candles": columns(bars, seed)})
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    async def start(self, **request: Any) -> dict[str, Any]:
        """Start a backtest and return the job."""
        response = await self.http.post("/v1/backtests", json=request)
        assert response.status_code == 202, response.text
        job: dict[str, Any] = response.json()
        return job

    async def job(self, job_id: str) -> dict[str, Any]:
        """Return a job."""
        response = await self.http.get(f"/v1/backtests/{job_id}")
        assert response.status_code == 200, response.text
        job: dict[str, Any] = response.json()
        return job

    async def ended(self, job_id: str) -> dict[str, Any]:
        """Return a job once it has ended."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            job = await self.job(job_id)
            if job["status"] in {"succeeded", "failed", "cancelled"}:
                return job
            await asyncio.sleep(0.05)
        raise AssertionError(f"job {job_id} has not ended within {PATIENCE_SECONDS:.0f} s: {job}")

    async def result(self, job_id: str) -> dict[str, Any]:
        """Return the result of a job."""
        response = await self.http.get(f"/v1/backtests/{job_id}/result")
        assert response.status_code == 200, response.text
        document: dict[str, Any] = response.json()
        return document


def columns(bars: int, seed: int = 1) -> dict[str, list[Any]]:
    """Return seeded random bars as wire columns."""
    walk = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(walk.normal(0.0, 0.02, bars)))
    opens = np.concatenate(([100.0], close[:-1]))
    return {
        "time": (START_MS + DAY_MS * np.arange(bars)).tolist(),
        "open": opens.tolist(),
        "high": (np.maximum(opens, close) * 1.01).tolist(),
        "low": (np.minimum(opens, close) * 0.99).tolist(),
        "close": close.tolist(),
        "volume": [1.0] * bars,
    }


@asynccontextmanager
async def open_service(url: str, **settings: Any) -> AsyncIterator[Door]:
    """Run a service until the block ends."""
    app = build(BacktestSettings.load(database_url=url, **settings))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=30) as http,
    ):
        yield Door(http)
