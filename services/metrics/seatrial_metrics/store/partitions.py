"""Creates the daily partitions of the ledger ahead of time, and deletes rows and partitions past their retention."""

from datetime import date, datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_metrics.batches import KEY_DAYS
from seatrial_service.db.session import Database

AHEAD_DAYS = 7
PREFIX = "events_"
_LOCK = 7_245_302

_EXISTING = text(
    """
    SELECT child.relname
    FROM pg_inherits
    JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
    JOIN pg_class AS parent ON parent.oid = pg_inherits.inhparent
    JOIN pg_namespace ON pg_namespace.oid = parent.relnamespace
    WHERE pg_namespace.nspname = 'metrics' AND parent.relname = 'events'
    """
)

# The service does not own its tables: these functions of the schema run with the rights of their owner.
_CREATE = text("SELECT metrics.create_events_partition(:day)")
_DROP = text("SELECT metrics.drop_events_partitions(:before)")

_created: WeakKeyDictionary[Database, set[date]] = WeakKeyDictionary()


async def ensure(database: Database, today: date) -> None:
    """Create the missing partitions of today and the next seven days, once per day and database."""
    created = _created.setdefault(database, set())
    if today in created:
        return
    days = [today + timedelta(days=ahead) for ahead in range(AHEAD_DAYS + 1)]
    async with database.transaction() as session:
        await session.execute(text("SET LOCAL lock_timeout = '5s'"))
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        existing = await names(session)
        for day in days:
            if _name(day) not in existing:
                await session.execute(_CREATE, {"day": day})
    created.add(today)


async def names(session: AsyncSession) -> set[str]:
    """Return the names of the existing partitions."""
    return set((await session.execute(_EXISTING)).scalars())


async def drop_older(session: AsyncSession, before: date) -> list[str]:
    """Drop the partitions of days before a date; return their names. Equity and counters do not need them."""
    await session.execute(text("SET LOCAL lock_timeout = '5s'"))
    return list((await session.execute(_DROP, {"before": before})).scalars())


async def delete_expired(session: AsyncSession, now: datetime) -> None:
    """Delete event and batch keys and conflicts past `KEY_DAYS`, and activity older than every window."""
    horizon = now - timedelta(days=KEY_DAYS + 1)
    parameters = {"horizon": horizon, "recent": now - timedelta(days=1)}
    for statement in (
        "DELETE FROM metrics.event_keys WHERE received_at < :horizon AND occurred_at < :horizon AND NOT lasting",
        "DELETE FROM metrics.batches WHERE received_at < :horizon",
        "DELETE FROM metrics.clock_skews WHERE measured_at < :horizon",
        "DELETE FROM metrics.conflicts WHERE last_received_at < :horizon",
        "DELETE FROM metrics.activity WHERE environment <> 'replay' AND second < :recent",
        "DELETE FROM metrics.activity WHERE environment = 'replay' AND second < ("
        "SELECT max(last_occurred_at) - interval '1 day' FROM metrics.engines WHERE environment = 'replay')",
    ):
        names_used = {name: value for name, value in parameters.items() if f":{name}" in statement}
        await session.execute(text(statement), names_used)


def _name(day: date) -> str:
    return f"{PREFIX}{day:%Y%m%d}"
