"""What tests share: a real Postgres with the real migrations, and a fresh database for whoever needs one."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from seatrial.stack.postgres import PostgresServer
from seatrial_shared.db import upgrade

TEMPLATE = "migrated"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A Postgres server of this test process's own."""
    folder: Path = tmp_path_factory.mktemp("postgres")
    server = PostgresServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer) -> PostgresServer:
    """The server with a template database that the real migrations built."""
    postgres.create_database(TEMPLATE)
    upgrade.upgrade(postgres.url(TEMPLATE))
    return postgres


@pytest.fixture
def database_url(migrated: PostgresServer) -> Iterator[str]:
    """The address of a migrated database that only this test uses."""
    name = f"test_{uuid4().hex}"
    migrated.create_database(name, template=TEMPLATE)
    try:
        yield migrated.url(name)
    finally:
        migrated.drop_database(name)
