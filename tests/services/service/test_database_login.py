"""A service names a database user that may do too much, and refuses the role of another service."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from tests.support.ports import free_port
from tests.support.waiting import wait_until

from seatrial_service.db import login, roles
from seatrial_service.db.session import Database

SERVICES = tuple(name for name in roles.CONNECTIONS if name != "migrator")
OWNER = "CREATE ROLE {name} LOGIN PASSWORD 'word' IN ROLE seatrial_migrator"


@contextmanager
def _started(service: str, url: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEATRIAL_", "ALERT_"))}
    own = {f"SEATRIAL_{service.upper()}_PORT": str(port), "SEATRIAL_DATABASE_URL": url, "SEATRIAL_STRESS_UI_PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", f"seatrial_{service}"],
        env={**kept, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process, f"http://127.0.0.1:{port}/health/ready"
    finally:
        process.kill()
        process.communicate()


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


async def _warning(url: str, service: str) -> str | None:
    database = Database(url, pool_size=1)
    try:
        return await login.check(database, service)
    finally:
        await database.close()


@pytest.mark.parametrize("service", SERVICES)
def test_the_role_of_another_service_is_refused(service: str, role_url: Callable[[str], str]) -> None:
    other = SERVICES[SERVICES.index(service) - 1]

    with _started(service, role_url(other)) as (process, _):
        output, _ = process.communicate(timeout=60)

    assert process.returncode == 2
    assert f"logs in as seatrial_{other}, the role of another service" in output
    assert f"give {service} the address of seatrial_{service}" in output
    assert "password-of" not in output


def test_a_service_with_the_address_of_the_superuser_starts_and_warns(owner_url: str) -> None:
    with _started("metrics", owner_url) as (process, address):
        wait_until(lambda: _is_ready(address), 60, process.poll)
        process.terminate()
        output, _ = process.communicate(timeout=60)

    assert "database_user" in output
    assert "logs in as seatrial, a superuser" in output
    assert owner_url.split(":")[2].split("@")[0] not in output


@pytest.mark.parametrize("service", SERVICES)
async def test_the_own_role_has_no_warning(service: str, role_url: Callable[[str], str]) -> None:
    assert await _warning(role_url(service), service) is None


async def test_an_owner_of_the_tables_is_named(owner_url: str, role_url: Callable[[str], str]) -> None:
    name = f"owner_{owner_url.rpartition('test_')[2][:8]}"
    with psycopg.connect(owner_url) as connection:
        connection.execute(OWNER.format(name=name).encode())
    try:
        url = role_url("engine").replace("seatrial_engine:password-of-engine", f"{name}:word")
        with psycopg.connect(owner_url) as connection:
            connection.execute(f"GRANT CONNECT ON DATABASE {connection.info.dbname} TO {name}".encode())

        warning = await _warning(url, "engine")
    finally:
        with psycopg.connect(owner_url) as connection:
            connection.execute(f"DROP OWNED BY {name}; DROP ROLE {name}".encode())

    assert warning is not None
    assert f"logs in as {name}, an owner of the tables" in warning
    assert "seatrial_engine exists: use its address" in warning
