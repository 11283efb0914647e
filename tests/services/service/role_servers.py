"""PostgreSQL servers of each version that this machine has, for the tests of the database roles."""

from pathlib import Path

import pytest

from seatrial.stack.postgres.server import PostgresServer
from seatrial_service.db import roles

PASSWORDS = {name: f"password-of-{name}" for name in roles.CONNECTIONS}
SYSTEM_POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
VERSIONS = [
    pytest.param(None, id="embedded"),
    *(pytest.param(folder, id=f"system-{folder.parent.name}") for folder in SYSTEM_POSTGRES),
]


def role_server(folder: Path, binaries: Path | None, **settings: str) -> PostgresServer:
    """Return a server that is not started yet."""
    return PostgresServer(folder, binaries=binaries, settings={"fsync": "off", **settings})


def address(server: PostgresServer, user: str, password: str, database: str = "seatrial") -> str:
    """Return the address of a database as a user."""
    return server.url_of(user, password, database)


def role_address(server: PostgresServer, service: str, database: str = "seatrial") -> str:
    """Return the address of a database as the role of a service."""
    return address(server, roles.role_name(service), PASSWORDS[service], database)
