"""Reads the events of the ledger, and equity over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_service.db.metrics import ConflictRow, LedgerEvent

_EQUITY = """
    WITH shares AS (
        SELECT occurred_at, equity, peak, max_drawdown_ratio,
               ntile(:limit) OVER (ORDER BY occurred_at) AS share
        FROM {table}
        WHERE environment = :environment {account} AND session_day IS NOT NULL
          AND (CAST(:since AS timestamptz) IS NULL OR occurred_at >= :since)
          AND (CAST(:until AS timestamptz) IS NULL OR occurred_at < :until)
    )
    SELECT DISTINCT ON (share) occurred_at, equity, peak, max_drawdown_ratio
    FROM shares
    ORDER BY share, occurred_at DESC
    """
_PORTFOLIO_EQUITY = text(_EQUITY.format(table="metrics.portfolio_points", account=""))
_ACCOUNT_EQUITY = text(_EQUITY.format(table="metrics.equity_points", account="AND account = :account"))


@dataclass(frozen=True)
class EventFilter:
    """The events to list; None matches all."""

    type: str | None = None
    account: str | None = None
    environment: str | None = None
    since: datetime | None = None
    before_sequence: int | None = None


async def list_events(session: AsyncSession, event_filter: EventFilter, limit: int) -> Sequence[dict[str, Any]]:
    """Return at most `limit` events as they were sent, with sequence and received_at, newest first."""
    table = LedgerEvent.__table__
    query = select(table).order_by(table.c.sequence.desc()).limit(limit)
    for name in ("type", "account", "environment"):
        value = getattr(event_filter, name)
        if value is not None:
            query = query.where(table.c[name] == value)
    if event_filter.since is not None:
        query = query.where(table.c.occurred_at >= event_filter.since)
    if event_filter.before_sequence is not None:
        query = query.where(table.c.sequence < event_filter.before_sequence)
    rows = await session.execute(query)
    return [_event(dict(row)) for row in rows.mappings()]


async def list_conflicts(session: AsyncSession, event_filter: EventFilter, limit: int) -> Sequence[dict[str, Any]]:
    """Return at most `limit` conflicting events, newest first; type and since do not filter them."""
    table = ConflictRow.__table__
    columns = [column for column in table.c if column.name != "content"]
    query = select(*columns).order_by(table.c.number.desc()).limit(limit)
    for name in ("account", "environment"):
        value = getattr(event_filter, name)
        if value is not None:
            query = query.where(table.c[name] == value)
    if event_filter.before_sequence is not None:
        query = query.where(table.c.number < event_filter.before_sequence)
    return [dict(row) for row in (await session.execute(query)).mappings()]


async def equity(
    session: AsyncSession,
    environment: str,
    account: str | None,
    between: tuple[datetime | None, datetime | None],
    limit: int,
) -> Sequence[dict[str, Any]]:
    """Return at most `limit` points of a curve, oldest first: the last of each of `limit` equal shares."""
    values = {"environment": environment, "since": between[0], "until": between[1], "limit": limit}
    if account is None:
        rows = await session.execute(_PORTFOLIO_EQUITY, values)
    else:
        rows = await session.execute(_ACCOUNT_EQUITY, {**values, "account": account})
    return [dict(row) for row in rows.mappings()]


def _event(row: dict[str, Any]) -> dict[str, Any]:  # Any: columns of many types
    body = row.pop("body")
    return {**row, **body}
