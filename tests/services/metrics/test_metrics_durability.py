"""An acknowledged event is in the ledger: under concurrency, without Postgres, after kill -9."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from tests.services.metrics.metrics_client import START, MetricsClient, open_service, samples
from tests.support.waiting import wait_until_async

from seatrial.stack.postgres.server import PostgresServer
from seatrial_core.clock import ManualClock, SystemClock
from seatrial_metrics.store import partitions
from seatrial_service.db import upgrade
from seatrial_service.db.session import Database

TRADES = 'trades_total{side="BUY",status="filled",strategy="s"}'


def trade(name: str) -> dict[str, Any]:
    """Return a trade of now."""
    at = SystemClock().now().isoformat()
    return {"id": name, "trade_id": name, "type": "trade", "occurred_at": at, "strategy": "s", "side": "BUY"}


async def test_answer_comes_after_the_commit_also_under_concurrency(database_url: str) -> None:
    async with (
        open_service(database_url) as client,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as other,
    ):

        async def push_and_look(number: int) -> None:
            await client.push(trade(f"t{number}"))
            rows = await other.execute("SELECT count(*) FROM metrics.events WHERE id = %s", [f"t{number}"])
            assert await rows.fetchone() == (1,)

        await asyncio.gather(*(push_and_look(number) for number in range(60)))

        page = await client.page()
    assert page[TRADES] == 60
    assert page["metrics_ledger_sequence"] == 60


async def test_concurrent_repetitions_count_once(client: MetricsClient) -> None:
    event = {**trade("x"), "occurred_at": START.isoformat()}

    answers = await asyncio.gather(*(client.push(event, key=f"e/{number % 3}") for number in range(12)))

    assert sum(answer["accepted"] for answer in answers) == 1
    assert sum(answer["duplicates"] for answer in answers) == 11


async def test_notification_carries_the_last_sequence(client: MetricsClient, database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as listener:
        await listener.execute("LISTEN seatrial_metrics")
        event = {**trade("x"), "occurred_at": START.isoformat()}

        await client.push(event, {**event, "id": "y", "trade_id": "y"})
        await client.push(event)

        payloads = [notify.payload async for notify in listener.notifies(timeout=1, stop_after=1)]
        assert payloads == ["2"]
        assert [notify.payload async for notify in listener.notifies(timeout=0.1)] == []


async def test_partitions_are_made_ahead_and_old_ones_dropped(database_url: str) -> None:
    database = Database(database_url)
    await partitions.ensure(database, START.date())
    await partitions.ensure(database, START.date() + timedelta(days=1))
    async with database.transaction() as session:
        made = await partitions.names(session)
        dropped = await partitions.drop_older(session, START.date() + timedelta(days=2))
        left = await partitions.names(session)
    await database.close()

    assert len(made) == 9
    assert dropped == ["events_20261123", "events_20261124"]
    assert left == made - set(dropped)


async def test_dropped_days_change_no_figure(database_url: str, clock: ManualClock) -> None:
    event = {**trade("x"), "occurred_at": START.isoformat(), "pnl": "7"}
    async with open_service(database_url, clock) as client:
        await client.push(event)
    database = Database(database_url)
    async with database.transaction() as session:
        await partitions.drop_older(session, START.date() + timedelta(days=1))
    await database.close()

    clock.advance(2 * 86_400)
    async with open_service(database_url, clock) as client:
        again = await client.push(event)
        page = await client.page()

    assert again["duplicates"] == 1
    assert page["current_pnl"] == 7


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    """Return a server that the test may stop."""
    server = PostgresServer(tmp_path / "postgres")
    server.start()
    try:
        server.create_database("metrics")
        upgrade.upgrade(server.url("metrics"))
        yield server
    finally:
        server.stop()


async def _trades(client: MetricsClient, count: int) -> bool:
    return (await client.page()).get(TRADES) == count


@pytest.mark.system
async def test_without_postgres_pushes_fail_and_the_page_stays(own_postgres: PostgresServer) -> None:
    async with open_service(own_postgres.url("metrics"), update_interval_seconds=0.5) as client:
        await client.push(trade("before"))
        before = await client.page()

        await asyncio.to_thread(own_postgres.stop)
        refused = await client.http.post("/v1/events", json=[trade("during")])
        ready = await client.http.get("/health/ready")
        first, second = await client.page(), await client.page()

        await asyncio.to_thread(own_postgres.start)
        await client.push(trade("during"))
        await wait_until_async(lambda: _trades(client, 2))

    assert refused.status_code == 503
    assert refused.json()["code"] == "database_unreachable"
    assert int(refused.headers["retry-after"]) > 0
    assert ready.status_code == 503
    assert before[TRADES] == first[TRADES] == second[TRADES] == 1
    assert before["metrics_figures_age_seconds"] < first["metrics_figures_age_seconds"]
    assert first["metrics_figures_age_seconds"] < second["metrics_figures_age_seconds"]


class Running:
    """The service in a separate process."""

    def __init__(self, url: str) -> None:
        environment = {
            **os.environ,
            "SEATRIAL_DATABASE_URL": url,
            "SEATRIAL_METRICS_PORT": "0",
            "SEATRIAL_METRICS_HOST": "127.0.0.1",
            "SEATRIAL_TOKENS": "",
        }
        environment.pop("MONITORING_PORT", None)
        command = [sys.executable, "-m", "seatrial_metrics"]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            entry = json.loads(line)
            if entry["event"] == "service_starting":
                self.url = f"http://127.0.0.1:{entry['port']}"
            if entry["event"] == "Application startup complete.":
                break
        self._drain = threading.Thread(target=self.process.stdout.read)
        self._drain.start()

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(15)
        self._drain.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.mark.system
def test_killed_service_loses_nothing_that_it_acknowledged(database_url: str) -> None:
    acknowledged: list[str] = []
    first = Running(database_url)

    def load(worker: int) -> None:
        with httpx.Client(base_url=first.url, timeout=5) as http, contextlib.suppress(httpx.HTTPError):
            for number in range(10_000):
                names = [f"{worker}-{number}-{index}" for index in range(20)]
                if http.post("/v1/events", json=[trade(name) for name in names]).status_code == 202:
                    acknowledged.extend(names)
                if len(acknowledged) > 1_000 and worker == 0:
                    first.process.send_signal(signal.SIGKILL)

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(load, range(4)))
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    second = Running(database_url)
    page = samples(httpx.get(f"{second.url}/metrics").text)
    code = second.end(signal.SIGTERM)

    with psycopg.connect(database_url) as connection:
        stored = {row[0] for row in connection.execute("SELECT id FROM metrics.events")}
    assert len(acknowledged) > 1_000
    assert stored >= set(acknowledged)
    assert page[TRADES] == len(stored)
    assert code == 0
