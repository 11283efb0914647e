"""Reads everything the service shows, in one transaction."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_metrics.counters import CounterKey, SecondCount
from seatrial_metrics.figures import (
    ERROR_WINDOW,
    SLOW_CALL_WINDOW,
    AccountFigures,
    ClosedTradeSums,
    EngineFigures,
    Figures,
    PortfolioFigures,
)
from seatrial_metrics.store.equity import read_account, read_curve
from seatrial_service.db.metrics import AccountBook, CounterRow, EngineRow, LedgerHead, PortfolioBook

# Replay runs on event time: its clock is the newest event. The others run on the wall clock.
_WINDOWS = text(
    """
    WITH clocks AS (
        SELECT environment, CASE WHEN environment = 'replay' THEN max(last_occurred_at) ELSE :now END AS at
        FROM metrics.engines
        GROUP BY environment
    )
    SELECT environment, account, endpoint,
           sum(trades) FILTER (WHERE second > at - :errors) AS trades,
           sum(api_calls) FILTER (WHERE second > at - :errors) AS api_calls,
           sum(failed_calls) FILTER (WHERE second > at - :errors) AS failed_calls,
           sum(errors) FILTER (WHERE second > at - :errors) AS errors,
           max(slowest_seconds) FILTER (WHERE second > at - :slow) AS slowest_seconds,
           sum(api_calls) AS known_calls
    FROM metrics.activity JOIN clocks USING (environment)
    WHERE second > at - interval '1 hour'
    GROUP BY environment, account, endpoint
    """
)


async def read(session: AsyncSession, now: datetime) -> Figures:
    """Return the figures of this instant."""
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    head = await session.execute(select(LedgerHead.last_sequence))
    windows, slowest = await _windows(session, now)
    return Figures(
        as_of=now,
        sequence=head.scalar_one(),
        accounts=await _accounts(session),
        portfolios=await _portfolios(session),
        counters=await _counters(session),
        windows=windows,
        slowest_calls=slowest,
        engines=await _engines(session),
    )


async def _accounts(session: AsyncSession) -> list[AccountFigures]:
    table = AccountBook.__table__
    found = await session.execute(select(table).order_by(table.c.environment, table.c.account))
    return [
        AccountFigures(
            environment=row.environment,
            account=read_account(row),
            updated_at=row.updated_at,
            closed=ClosedTradeSums(row.wins, row.losses, row.flats, row.realised_pnl),
            late_events=row.late_events,
            last_occurred_at=row.last_occurred_at,
        )
        for row in found
    ]


async def _portfolios(session: AsyncSession) -> Mapping[str, PortfolioFigures]:
    found = await session.execute(select(PortfolioBook.__table__))
    return {row.environment: PortfolioFigures(read_curve(row), row.updated_at) for row in found}


async def _counters(session: AsyncSession) -> Mapping[CounterKey, Decimal]:
    table = CounterRow.__table__
    columns = [table.c[name] for name in ("environment", "family", "first", "second", "third", "value")]
    found = await session.execute(select(*columns).order_by(table.c.number))
    return {CounterKey(*row[:5]): row[5] for row in found}


async def _engines(session: AsyncSession) -> list[EngineFigures]:
    found = await session.execute(select(EngineRow.__table__))
    return [
        EngineFigures(
            environment=row.environment,
            engine=row.engine,
            last_occurred_at=row.last_occurred_at,
            heartbeat_at=row.heartbeat_at,
            system_received_at=row.system_received_at,
            cpu_percent=_float(row.cpu_percent),
            memory_percent=_float(row.memory_percent),
            disk_percent=_float(row.disk_percent),
        )
        for row in found
    ]


async def _windows(
    session: AsyncSession, now: datetime
) -> tuple[Mapping[tuple[str, str], SecondCount], Mapping[tuple[str, str], Decimal | None]]:
    found = await session.execute(_WINDOWS, {"now": now, "errors": ERROR_WINDOW, "slow": SLOW_CALL_WINDOW})
    windows: dict[tuple[str, str], SecondCount] = {}
    slowest: dict[tuple[str, str], Decimal | None] = {}
    for row in found:
        counts = windows.setdefault((row.environment, row.account), SecondCount())
        counts.trades += int(row.trades or 0)
        counts.api_calls += int(row.api_calls or 0)
        counts.failed_calls += int(row.failed_calls or 0)
        counts.errors += int(row.errors or 0)
        if row.known_calls:
            key = (row.environment, row.endpoint)
            candidates = [each for each in (slowest.get(key), row.slowest_seconds) if each is not None]
            slowest[key] = max(candidates, default=None)
    return windows, slowest


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
