"""A full disk under the database: nothing acknowledged is lost, errors say so, and no restart is needed afterwards."""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from tests.services.engine.engine_door import EngineDoor, open_engine
from tests.services.metrics.metrics_client import MetricsClient, open_service
from tests.services.service.role_servers import PASSWORDS, role_address, role_server
from tests.support.fake_ledger import FakeLedger, fake_ledger
from tests.support.waiting import wait_until_async

from seatrial.stack.postgres.server import PostgresServer
from seatrial_core.clock import SystemClock
from seatrial_core.timestamps import format_rfc3339
from seatrial_service.db import roles, upgrade

pytestmark = [pytest.mark.system, pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")]

DISK = "96m"
DATABASE = "on_small_disk"
MOST = 400  # more than one request fits into the pages that are allocated already
NOTE = "n" * 60


@pytest.fixture
def disk() -> Iterator[Path]:
    """Return a small disk."""
    with tempfile.TemporaryDirectory(prefix="seatrial-disk-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "tmpfs", name], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", name], check=True)


@pytest.fixture
def server(disk: Path, tmp_path: Path) -> Iterator[PostgresServer]:
    """Return a server with a migrated database on the small disk."""
    with role_server(tmp_path / "postgres", None) as running:
        account = running.data.stat()
        os.chown(disk, account.st_uid, account.st_gid)
        with psycopg.connect(running.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{disk}'".encode())
            connection.execute(f"CREATE DATABASE {DATABASE} TABLESPACE small".encode())
        upgrade.upgrade(running.url(DATABASE))
        roles.provision(running.url(DATABASE), roles.RoleRequest(PASSWORDS))
        yield running


@asynccontextmanager
async def _services(server: PostgresServer, ledger: FakeLedger) -> AsyncIterator[tuple[EngineDoor, MetricsClient]]:
    async with (
        open_engine(role_address(server, "engine", DATABASE), ledger.url) as engine,
        open_service(role_address(server, "metrics", DATABASE)) as metrics,
    ):
        yield engine, metrics


def _fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            return filler
    raise AssertionError("the disk has no end")


class Sender:
    """Sends orders and events, and keeps what was acknowledged and how the others were refused."""

    def __init__(self, engine: EngineDoor, metrics: MetricsClient) -> None:
        self._engine = engine
        self._metrics = metrics
        self._number = 0
        self.orders: list[str] = []
        self.events: list[str] = []
        self.refusals: dict[str, set[tuple[int, str]]] = {"order": set(), "event": set()}

    async def send(self) -> None:
        """Send one order and ten events."""
        self._number += 1
        identity = f"{NOTE}-{self._number}"
        order = {"symbol": "X", "action": "buy", "price": "1", "quantity": "0.001", "client_order_id": identity}
        answer = await self._engine.http.post("/v1/signals", json=order)
        if answer.status_code == 200:
            self.orders.append(identity)
        else:
            self.refusals["order"].add((answer.status_code, answer.json()["detail"]))
        now = format_rfc3339(SystemClock().now())
        ids = [f"{identity}-{number}" for number in range(10)]
        events = [{"id": name, "type": "heartbeat", "engine": name, "occurred_at": now} for name in ids]
        answer = await self._metrics.http.post("/v1/events", json=events)
        if answer.status_code == 202:
            self.events += ids
        else:
            self.refusals["event"].add((answer.status_code, answer.json()["detail"]))

    @property
    def was_refused(self) -> bool:
        """Return whether an order and an event were refused."""
        return all(self.refusals.values())


def _stored(server: PostgresServer, statement: str) -> list[str]:
    with psycopg.connect(server.url(DATABASE)) as connection:
        return [str(row[0]) for row in connection.execute(statement.encode())]


async def test_a_full_disk_loses_nothing_and_needs_no_restart(server: PostgresServer, disk: Path) -> None:
    with fake_ledger() as ledger:
        async with _services(server, ledger) as (engine, metrics):
            sender = Sender(engine, metrics)
            await sender.send()
            filler = await asyncio.to_thread(_fill, disk)
            for _ in range(MOST):
                await sender.send()
                if sender.was_refused:
                    break
            live = [(await door.http.get("/health/live")).status_code for door in (engine, metrics)]

            filler.unlink()
            before = (len(sender.orders), len(sender.events))

            async def recovered() -> bool:
                await sender.send()
                return len(sender.orders) > before[0] and len(sender.events) > before[1]

            await wait_until_async(recovered)

    assert sender.was_refused, "the disk never was full"
    assert live == [200, 200]
    for status, detail in (*sender.refusals["order"], *sender.refusals["event"]):
        assert status == 503, detail
        assert "disk" in detail, detail
    orders = _stored(server, "SELECT client_order_id FROM engine.orders")
    events = _stored(server, "SELECT id FROM metrics.events WHERE type = 'heartbeat'")
    assert sorted(set(sender.orders) - set(orders)) == []
    assert sorted(set(sender.events) - set(events)) == []
    assert (len(orders), len(events)) == (len(set(orders)), len(set(events)))
