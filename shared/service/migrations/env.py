"""Runs the migrations in order, each in its own transaction, under a lock for one migrator at a time."""

from alembic import context
from sqlalchemy import create_engine, pool, text

from seatrial_service.db import tables
from seatrial_service.db.base import SCHEMAS

MIGRATION_LOCK = 7_245_301


def include_name(name: str | None, kind: str, parents: object) -> bool:
    """Compare our own schemas only."""
    return kind != "schema" or name in SCHEMAS


def run() -> None:
    """Apply the migrations that are missing."""
    engine = create_engine(context.config.get_main_option("sqlalchemy.url", ""), poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=tables.metadata,
            include_schemas=True,
            include_name=include_name,
            version_table_schema="public",
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
    engine.dispose()


run()
