"""The migration step as it is run: by two at once, by an administrator who is no superuser, and by a plain user."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from tests.services.service.role_servers import PASSWORDS, VERSIONS, address, role_address, role_server

from seatrial.stack.postgres.server import PostgresServer
from seatrial_service.db import roles, upgrade

STEPS = 3
STEP_SECONDS = 120
SERVICES = tuple(name for name in roles.CONNECTIONS if name != "migrator")


@pytest.fixture(params=VERSIONS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PostgresServer]:
    """Return an empty server."""
    with role_server(tmp_path / "postgres", request.param) as running:
        yield running


def _step(url: str, passwords: Mapping[str, str] = PASSWORDS) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEATRIAL_", "ALERT_"))}
    secrets = {roles.VARIABLES[name][0]: secret for name, secret in passwords.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "seatrial_service.db.upgrade"],
        env={**kept, **secrets, "SEATRIAL_DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _ended(step: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = step.communicate(timeout=STEP_SECONDS)
    return step.returncode, errors


def _administrator(server: PostgresServer, name: str, attributes: str) -> str:
    """Return the address of a database that belongs to a new user."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'word' NOSUPERUSER {attributes}".encode())
        connection.execute(f"CREATE DATABASE {name} OWNER {name}".encode())
    return address(server, name, "word", name)


def _version(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT version_num FROM public.alembic_version").fetchone()
    assert row is not None
    return str(row[0])


def test_steps_at_the_same_time_all_succeed(server: PostgresServer) -> None:
    other = server.create_database("other")  # the roles belong to the server, so this one changes them too
    urls = [server.url()] * STEPS + [other]

    ended = [_ended(step) for step in [_step(url) for url in urls]]

    assert ended == [(0, "")] * len(urls)
    for service in SERVICES:
        assert _version(role_address(server, service)) == upgrade.head()
        assert _version(role_address(server, service, "other")) == upgrade.head()


def test_an_administrator_without_superuser_makes_the_roles_twice(server: PostgresServer) -> None:
    url = _administrator(server, "admin", "CREATEROLE")

    ended = [_ended(_step(url)) for _ in range(2)]

    assert ended == [(0, "")] * 2
    for service in SERVICES:
        with psycopg.connect(role_address(server, service, "admin"), autocommit=True) as connection:
            for statement in (b"CREATE TABLE public.planted ()", b"SET ROLE seatrial_migrator", b"SET ROLE admin"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
            assert connection.execute("SELECT count(*) FROM access.tokens").fetchone() == (0,)


def test_the_migrator_itself_runs_the_next_step(server: PostgresServer) -> None:
    assert _ended(_step(server.url())) == (0, "")

    assert _ended(_step(role_address(server, "migrator"), {})) == (0, "")

    assert _version(role_address(server, "engine")) == upgrade.head()


def test_a_user_who_may_not_make_roles_is_refused_with_advice(server: PostgresServer) -> None:
    url = _administrator(server, "plain", "NOCREATEROLE")

    code, errors = _ended(_step(url))

    assert code == 2
    assert "the database user plain may not create roles" in errors
    assert "docs/database.md" in errors
    assert _ended(_step(url, {})) == (0, "")  # without passwords all services share the user
