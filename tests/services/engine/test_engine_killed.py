"""A killed engine or database loses nothing and repeats nothing."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.services.engine.engine_door import EngineDoor, open_engine
from tests.services.engine.test_engine_replay import account, backtest, bars, finished
from tests.support.fake_ledger import FakeLedger
from tests.support.ports import free_port
from tests.support.waiting import wait_until_async

from seatrial.stack.postgres import postmaster
from seatrial.stack.postgres.server import PostgresServer
from seatrial_service.db import upgrade

pytestmark = pytest.mark.system


class EngineProcess:
    """An engine in a separate process."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.environment = environment
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[EngineDoor]:
        """Run it until the block ends."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "seatrial_engine"], env=self.environment, stdout=log, stderr=log
            )
        url = f"http://127.0.0.1:{self.environment['SEATRIAL_ENGINE_PORT']}"
        try:
            async with httpx.AsyncClient(base_url=url, timeout=30) as http:
                await wait_until_async(lambda: self._answers(http))
                yield EngineDoor(http)
        finally:
            if self.process.poll() is None:
                self.process.terminate()
            await asyncio.to_thread(self.process.wait, 30)

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)

    async def _answers(self, http: httpx.AsyncClient) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log.read_text()
        try:
            return (await http.get("/health/ready")).status_code == 200
        except httpx.TransportError:
            return False


async def test_killed_replay_resumes_with_the_same_trades(
    database_url: str, ledger: FakeLedger, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "SEATRIAL_DATABASE_URL": database_url,
        "SEATRIAL_ENGINE_PORT": str(free_port()),
        "SEATRIAL_METRICS_URL": ledger.url,
    }
    engine = EngineProcess(environment, tmp_path / "engine.log")
    accounts = [
        account("a", "sma_cross", bars(10), params={"fast": 3, "slow": 9, "mode": "long_short"}, allow_short=True),
        account("b", "rsi_bollinger", bars(11, 350, first=20)),
    ]

    async with engine.running() as before:
        await before.post("/v1/replays", {"id": "r", "accounts": accounts, "bars_per_second": 300}, 202)

        async def begun() -> bool:
            return bool((await before.get("/v1/replays/r"))["steps_done"] > 0)

        await wait_until_async(begun)
        engine.kill()
    async with engine.running() as after:
        state = await finished(after, "r")
        await after.drained()
        results = await after.get("/v1/replays/r/trades")
        fills = (await after.get("/v1/ledger", limit=1000))["items"]

    assert engine.process is not None and engine.process.returncode == 0
    assert [(result["trades"], result["equity"]) for result in results] == [backtest(asked) for asked in accounts]
    trade_ids = [event["trade_id"] for event in ledger.of_type("trade")]
    assert sorted(trade_ids) == sorted(fill["id"] for fill in fills)
    assert len(trade_ids) == len(set(trade_ids)) == 2 * state["trades"]
    assert len(ledger.of_type("equity")) == 750


async def test_killed_database_loses_no_order_and_no_step(ledger: FakeLedger, tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "postgres")
    await asyncio.to_thread(server.start)
    try:
        upgrade.upgrade(server.url())
        asked = account("a", "sma_cross", bars(12), params={"fast": 3, "slow": 9})
        async with open_engine(server.url(), ledger.url) as engine:
            await engine.post("/v1/replays", {"id": "r", "accounts": [asked], "bars_per_second": 300}, 202)
            sent = {"symbol": "X", "action": "buy", "price": "100", "quantity": "1"}
            first = await engine.signal(**sent, client_order_id="k1")

            state = postmaster.read(server.data)
            assert state is not None
            os.kill(state.pid, signal.SIGKILL)

            await wait_until_async(lambda: not server.is_running)
            away = await engine.http.post("/v1/signals", json={**sent, "client_order_id": "k2"})
            await asyncio.to_thread(server.start)

            async def back() -> bool:
                answer = await engine.http.post("/v1/signals", json={**sent, "client_order_id": "k2"})
                return answer.status_code == 200

            await wait_until_async(back)
            done = await finished(engine, "r")
            await engine.drained()
            result = (await engine.get("/v1/replays/r/trades"))[0]
            orders = [order["id"] for order in (await engine.get("/v1/orders", account="default"))["items"]]

        assert away.status_code == 503
        assert (result["trades"], result["equity"]) == backtest(asked)
        trade_ids = [event["trade_id"] for event in ledger.of_type("trade")]
        assert (len(trade_ids), len(set(trade_ids))) == (2 * done["trades"] + 2, 2 * done["trades"] + 2)
        assert (len(orders), orders[0]) == (2, first["order_id"])
    finally:
        await asyncio.to_thread(server.stop)
