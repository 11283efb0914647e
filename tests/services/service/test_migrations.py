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
from seatrial_core.contracts.event_keys import execution_key, ledger_key
from seatrial_core.contracts.events import EVENT
from seatrial_core.errors import DatabaseUnreachable
from seatrial_service.db import tables, upgrade
from seatrial_service.db.base import SCHEMAS
from seatrial_service.db.session import Database, driver_url

# An event and its key as the version before `2026_11_28_0600_event_content` stored them.
OLD_EVENT = """
    INSERT INTO metrics.events (received_at, sequence, id, type, occurred_at, engine, account, strategy, symbol,
                                environment, body)
    SELECT '2026-11-23 12:00+00', :number, event->>'id', 'trade', '2026-11-23 12:00+00', 'default', 'default', '', '',
           'live', event - CAST('{id,type,occurred_at,engine,account,strategy,symbol,environment}' AS text[])
    FROM (SELECT CAST(:event AS jsonb) AS event) AS sent
    """
OLD_KEY = """
    INSERT INTO metrics.event_keys (environment, account, ledger_key, occurred_at, received_at, lasting)
    SELECT 'live', 'default', 'trade:' || (CAST(:event AS jsonb)->>'trade_id'), '2026-11-23 12:00+00',
           '2026-11-23 12:00+00', false
    """


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


def test_stored_trades_get_the_key_of_their_execution(tmp_path: Path) -> None:
    fields: list[dict[str, object]] = [
        {"side": "BUY", "status": "filled", "quantity": "1.50", "price": "100", "fee": "0.0"},
        {"side": "SELL", "status": "filled", "pnl": "-12.500", "exit_reason": "stop", "price": "1E+3"},
        {"side": "SELL", "status": "rejected"},
    ]
    events = [
        EVENT.validate_python(
            {"id": f"e{n}", "type": "trade", "occurred_at": "2026-11-23T12:00:00Z", "trade_id": f"t{n}", **values}
        )
        for n, values in enumerate(fields)
    ]
    server = PostgresServer(tmp_path)
    server.start()
    try:
        upgrade.upgrade(server.url(), "2026_11_28_0400_money")
        engine = create_engine(driver_url(server.url()))
        with engine.begin() as connection:
            connection.execute(text("SELECT metrics.create_events_partition('2026-11-23')"))
            for number, event in enumerate(events, start=1):
                row = {"number": number, "event": event.model_dump_json(exclude_none=True)}
                connection.execute(text(OLD_EVENT), row)
                connection.execute(text(OLD_KEY), row)
        upgrade.upgrade(server.url())
        with engine.connect() as connection:
            keys = set(connection.execute(text("SELECT ledger_key FROM metrics.event_keys")).scalars())
        engine.dispose()
    finally:
        server.remove()

    assert keys == {ledger_key(event) for event in events} | {execution_key(event) for event in events}


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
