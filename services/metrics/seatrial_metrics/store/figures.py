"""Reads the figures of the ledger, in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_metrics.activity import (
    ERROR_WINDOW,
    SLOW_CALL_WINDOW,
    ActivityWindow,
    slowest_calls,
    windows_by_account,
)
from seatrial_metrics.counters import CounterKey, SecondCount
from seatrial_metrics.figures import (
    ROLLING_WINDOW,
    AccountFigures,
    ClosedTradeSums,
    EngineFigures,
    Figures,
    PortfolioFigures,
)
from seatrial_metrics.store import clock_skews
from seatrial_metrics.store.equity_rows import read_account, read_portfolio
from seatrial_service.db.metrics import AccountBook, CounterRow, EngineRow, LedgerHead, PortfolioBook, Restatement

# The clock of replay is its newest event; the other environments use the time of day.
_CLOCKS = """
    WITH clocks AS (
        SELECT environment, CASE WHEN environment = 'replay' THEN max(last_occurred_at) ELSE :now END AS at
        FROM metrics.engines
        GROUP BY environment
    )
    """
_GROWTH = "coalesce(withdrawn_equity, equity) / nullif(base_reference, 0) AS growth"
_GROWTH_BEFORE = """
    {clocks}
    SELECT environment, account, growth
    FROM metrics.accounts AS a JOIN clocks USING (environment) CROSS JOIN LATERAL (
        SELECT {growth}
        FROM metrics.equity_points AS point
        WHERE point.environment = a.environment AND point.account = a.account AND occurred_at <= at - :window
          AND session_day IS NOT NULL
        ORDER BY occurred_at DESC
        LIMIT 1
    ) AS earlier
    UNION ALL
    SELECT environment, '' AS account, growth
    FROM metrics.portfolios AS p JOIN clocks USING (environment) CROSS JOIN LATERAL (
        SELECT {growth}
        FROM metrics.portfolio_points AS point
        WHERE point.environment = p.environment AND point.currency = p.currency AND occurred_at <= at - :window
          AND session_day IS NOT NULL
        ORDER BY occurred_at DESC
        LIMIT 1
    ) AS earlier
    """
_ACTIVITY = """
    {clocks}
    SELECT environment, account, endpoint,
           coalesce(sum(trades) FILTER (WHERE second > at - :errors), 0)::int AS trades,
           coalesce(sum(api_calls) FILTER (WHERE second > at - :errors), 0)::int AS api_calls,
           coalesce(sum(failed_calls) FILTER (WHERE second > at - :errors), 0)::int AS failed_calls,
           coalesce(sum(errors) FILTER (WHERE second > at - :errors), 0)::int AS errors,
           max(slowest_seconds) FILTER (WHERE second > at - :slow) AS slowest_seconds,
           sum(api_calls) > 0 AS has_calls
    FROM metrics.activity JOIN clocks USING (environment)
    WHERE second > at - interval '1 hour'
    GROUP BY environment, account, endpoint
    """
_READ_GROWTH_BEFORE = text(_GROWTH_BEFORE.format(clocks=_CLOCKS, growth=_GROWTH))
_READ_ACTIVITY = text(_ACTIVITY.format(clocks=_CLOCKS))


async def read(session: AsyncSession, now: datetime) -> Figures:
    """Return the figures of this instant."""
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    head = await session.execute(select(LedgerHead.last_sequence))
    activity = await _activity(session, now)
    return Figures(
        as_of=now,
        sequence=head.scalar_one(),
        accounts=await _accounts(session),
        portfolios=await _portfolios(session),
        counters=await _counters(session),
        windows=windows_by_account(activity),
        slowest_calls=slowest_calls(activity),
        engines=await _engines(session),
        clock_skews=await clock_skews.read(session),
        growth_before=await _growth_before(session, now),
    )


async def _accounts(session: AsyncSession) -> list[AccountFigures]:
    table = AccountBook.__table__
    rows = await session.execute(select(table).order_by(table.c.environment, table.c.account))
    return [
        AccountFigures(
            environment=row.environment,
            account=read_account(row),
            updated_at=row.updated_at,
            closed=ClosedTradeSums(row.wins, row.losses, row.flats, row.realised_pnl),
            filled_trades=row.filled_trades,
            late_events=row.late_events,
            last_occurred_at=row.last_occurred_at,
        )
        for row in rows
    ]


async def _portfolios(session: AsyncSession) -> Mapping[str, PortfolioFigures]:
    requests = await session.execute(select(Restatement.environment, Restatement.requested_at))
    restating = {row.environment: row.requested_at for row in requests}
    rows = await session.execute(select(PortfolioBook.__table__))
    return {
        row.environment: PortfolioFigures(read_portfolio(row), row.updated_at, restating.get(row.environment))
        for row in rows
    }


async def _counters(session: AsyncSession) -> Mapping[CounterKey, Decimal]:
    table = CounterRow.__table__
    columns = [table.c[name] for name in ("environment", "family", "first", "second", "third", "value")]
    rows = await session.execute(select(*columns).order_by(table.c.number))
    return {CounterKey(*row[:5]): row[5] for row in rows}


async def _engines(session: AsyncSession) -> list[EngineFigures]:
    rows = await session.execute(select(EngineRow.__table__))
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
        for row in rows
    ]


async def _growth_before(session: AsyncSession, now: datetime) -> Mapping[tuple[str, str], Decimal]:
    rows = await session.execute(_READ_GROWTH_BEFORE, {"now": now, "window": ROLLING_WINDOW})
    return {(row.environment, row.account): row.growth for row in rows if row.growth is not None}


async def _activity(session: AsyncSession, now: datetime) -> Sequence[ActivityWindow]:
    rows = await session.execute(_READ_ACTIVITY, {"now": now, "errors": ERROR_WINDOW, "slow": SLOW_CALL_WINDOW})
    return [
        ActivityWindow(
            environment=row.environment,
            account=row.account,
            endpoint=row.endpoint,
            counts=SecondCount(row.trades, row.api_calls, row.failed_calls, row.errors, row.slowest_seconds),
            has_calls=row.has_calls,
        )
        for row in rows
    ]


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
