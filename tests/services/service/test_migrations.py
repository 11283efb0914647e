"""The migrated schema is what the table definitions say, on every PostgreSQL we support."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, text
from tests.services.service.role_servers import SYSTEM_POSTGRES

from seatrial.stack.postgres.server import PostgresServer
from seatrial_core.errors import DatabaseUnreachable
from seatrial_service.db import tables, upgrade
from seatrial_service.db.base import SCHEMAS
from seatrial_service.db.session import Database, driver_url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = create_engine(driver_url(database_url))
    yield made
    made.dispose()


def _ours(difference: object) -> bool:
    # Partitions and the tables of the job library are made by SQL, so they are in no model.
    text_of = repr(difference)
    return not re.search(r"procrastinate|_p\d{8}|_default", text_of)


def test_the_migrated_schema_equals_the_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        options = {
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name in SCHEMAS,
            "compare_type": True,
        }
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata)

    assert [difference for difference in differences if _ours(difference)] == []


def test_an_upgrade_is_repeatable(database_url: str) -> None:
    upgrade.upgrade(database_url)


@pytest.mark.skipif(not SYSTEM_POSTGRES, reason="this machine has no system PostgreSQL; install postgresql")
def test_the_history_runs_on_the_systems_postgres_too(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path, binaries=SYSTEM_POSTGRES[0])
    server.start()
    try:
        upgrade.upgrade(server.url())
        engine = create_engine(driver_url(server.url()))
        with engine.connect() as connection:
            revision = connection.execute(text("SELECT version_num FROM public.alembic_version")).scalar_one()
            number = connection.execute(text("SHOW server_version_num")).scalar_one()
        engine.dispose()
    finally:
        server.remove()

    assert revision == upgrade.head()
    assert int(number) >= 150_000


async def test_a_database_at_an_older_schema_is_not_ready(database_url: str) -> None:
    database = Database(database_url)
    try:
        await database.require_head(upgrade.head())
        with pytest.raises(DatabaseUnreachable, match="seatrial db upgrade"):
            await database.require_head("2099_01_01_0000_future")
    finally:
        await database.close()


async def test_an_unreachable_database_is_one_clear_error() -> None:
    database = Database("postgresql://absent@127.0.0.1:1/nothing")
    try:
        with pytest.raises(DatabaseUnreachable):
            await database.require_head("any")
    finally:
        await database.close()
