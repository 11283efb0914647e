"""The role of a service may do what the service does in its own schema, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.services.service.role_servers import PASSWORDS, VERSIONS, role_address, role_server

from seatrial.stack.postgres.server import PostgresServer
from seatrial_service.db import roles, tables, upgrade
from seatrial_service.db.rights import READ_BY_ALL, RIGHTS

ALLOWED = (
    "SELECT metrics.create_events_partition('2030-01-01')",
    "SELECT metrics.drop_events_partitions('2031-01-01')",
    "SELECT version_num FROM public.alembic_version",
    "SELECT id FROM access.tokens",
)
REFUSED = (
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "SELECT id FROM engine.orders",
    "CREATE TABLE metrics.planted ()",
    "CREATE TEMPORARY TABLE planted ()",
    "SET ROLE seatrial",
    "SELECT pg_read_file('/etc/passwd')",
    "DELETE FROM metrics.events",
    "DROP TABLE metrics.events",
    "UPDATE access.tokens SET scopes = '[]'",
    "SELECT lo_create(0)",
    "SELECT rolpassword FROM pg_authid",
    "ALTER SYSTEM SET fsync = off",
)


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Return a server whose database was migrated before it had roles; every statement is logged."""
    with role_server(tmp_path_factory.mktemp("roles"), request.param, log_statement="all") as running:
        upgrade.upgrade(running.url())
        for _ in range(2):
            roles.provision(running.url(), roles.RoleRequest(PASSWORDS, is_server_dedicated=True))
        yield running


def test_a_role_may_do_what_its_service_does(server: PostgresServer) -> None:
    with psycopg.connect(role_address(server, "metrics")) as connection:
        for statement in ALLOWED:
            connection.execute(statement.encode())


@pytest.mark.parametrize("statement", REFUSED)
def test_a_role_is_refused_everything_else(server: PostgresServer, statement: str) -> None:
    with (
        psycopg.connect(role_address(server, "metrics"), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


def test_a_role_cannot_use_another_database_of_the_server(server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(role_address(server, "metrics", "postgres"))


def test_no_password_is_in_the_servers_log(server: PostgresServer) -> None:
    assert "password-of-" not in Path(server.log).read_text(encoding="utf-8")


def test_every_table_has_its_rights_listed() -> None:
    listed = {f"{schema}.{table}" for schema, rights in RIGHTS.items() for table in rights}
    listed |= {f"{schema}.{table}" for schema, names in READ_BY_ALL.items() for table in names}

    assert set(tables.metadata.tables) - listed == set()
