"""Writes counters, activity by second, and the state of engines."""

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.events import SystemEvent
from seatrial_metrics.counters import CounterChanges
from seatrial_service.db.metrics import ActivityRow, CounterRow, EngineRow


async def add(session: AsyncSession, changes: CounterChanges, now: datetime) -> None:
    """Add changes to the stored rows, in sorted order so that two writers cannot deadlock."""
    await _add_counters(session, changes)
    await _add_seconds(session, changes)
    await _update_engines(session, changes)
    for (environment, engine), state in sorted(changes.engines.items()):
        if state.system is not None:
            await _save_sample(session, environment, engine, state.system, now)


async def _add_counters(session: AsyncSession, changes: CounterChanges) -> None:
    rows = [{**key._asdict(), "value": changes.counters[key]} for key in sorted(changes.counters)]
    if not rows:
        return
    statement = insert(CounterRow)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["environment", "family", "first", "second", "third"],
            set_={"value": CounterRow.value + statement.excluded.value},
        ),
        rows,
    )


async def _add_seconds(session: AsyncSession, changes: CounterChanges) -> None:
    rows = [{**key._asdict(), **vars(changes.seconds[key])} for key in sorted(changes.seconds)]
    if not rows:
        return
    statement = insert(ActivityRow)
    new = statement.excluded
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["environment", "account", "endpoint", "second"],
            set_={
                "trades": ActivityRow.trades + new.trades,
                "api_calls": ActivityRow.api_calls + new.api_calls,
                "failed_calls": ActivityRow.failed_calls + new.failed_calls,
                "errors": ActivityRow.errors + new.errors,
                "slowest_seconds": func.greatest(ActivityRow.slowest_seconds, new.slowest_seconds),
            },
        ),
        rows,
    )


async def _update_engines(session: AsyncSession, changes: CounterChanges) -> None:
    statement = insert(EngineRow)
    new = statement.excluded
    rows = [
        {
            "environment": environment,
            "engine": engine,
            "last_occurred_at": state.last_occurred_at,
            "heartbeat_at": state.heartbeat_at,
        }
        for (environment, engine), state in sorted(changes.engines.items())
    ]
    if rows:
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["environment", "engine"],
                set_={
                    "last_occurred_at": func.greatest(EngineRow.last_occurred_at, new.last_occurred_at),
                    "heartbeat_at": func.greatest(EngineRow.heartbeat_at, new.heartbeat_at),
                },
            ),
            rows,
        )


async def _save_sample(
    session: AsyncSession, environment: str, engine: str, sample: SystemEvent, now: datetime
) -> None:
    statement = insert(EngineRow).values(
        environment=environment,
        engine=engine,
        last_occurred_at=sample.occurred_at,
        system_at=sample.occurred_at,
        system_received_at=now,
        cpu_percent=sample.cpu_percent,
        memory_percent=sample.memory_percent,
        disk_percent=sample.disk_percent,
    )
    names = ("system_at", "system_received_at", "cpu_percent", "memory_percent", "disk_percent")
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["environment", "engine"],
            set_={name: statement.excluded[name] for name in names},
            where=EngineRow.system_at.is_(None) | (EngineRow.system_at <= statement.excluded.system_at),
        )
    )
