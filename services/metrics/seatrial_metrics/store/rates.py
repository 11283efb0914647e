"""Reads and writes exchange rates."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.events import FxRateEvent
from seatrial_metrics.portfolio import CurrencyPair, Rate, rate_of
from seatrial_service.db.metrics import FxRateRow


async def add(session: AsyncSession, environment: str, events: Sequence[FxRateEvent]) -> None:
    """Store the prices of currencies; a later report of the same instant replaces the earlier one."""
    rows = {
        (event.base, event.quote, event.occurred_at): {
            "environment": environment,
            "base": event.base,
            "quote": event.quote,
            "occurred_at": event.occurred_at,
            "rate": event.rate,
            "source": event.source,
        }
        for event in events
    }
    if not rows:
        return
    statement = insert(FxRateRow)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["environment", "base", "quote", "occurred_at"],
            set_={name: statement.excluded[name] for name in ("rate", "source")},
        ),
        [rows[key] for key in sorted(rows)],
    )


async def between(
    session: AsyncSession,
    environment: str,
    currency: str,
    others: Collection[str],
    start: datetime,
    end: datetime | None,
) -> Sequence[Rate]:
    """Return the rates of other currencies into a currency from `start` on and before `end`."""
    table = FxRateRow.__table__
    query = select(table).where(
        table.c.environment == environment, _is_between(currency, others), table.c.occurred_at >= start
    )
    if end is not None:
        query = query.where(table.c.occurred_at < end)
    rows = await session.execute(query.order_by(table.c.occurred_at, table.c.base, table.c.quote))
    return _rates(rows, currency)


async def last_before(
    session: AsyncSession, environment: str, currency: str, others: Collection[str], end: datetime
) -> Sequence[Rate]:
    """Return the last rates of other currencies into a currency before `end`, up to one in each direction."""
    if not others:
        return []
    table = FxRateRow.__table__
    rows = await session.execute(
        select(table)
        .ext(distinct_on(table.c.base, table.c.quote))
        .where(table.c.environment == environment, _is_between(currency, others), table.c.occurred_at < end)
        .order_by(table.c.base, table.c.quote, table.c.occurred_at.desc())
    )
    return _rates(rows, currency)


def _is_between(currency: str, others: Collection[str]) -> ColumnElement[bool]:
    table = FxRateRow.__table__
    return ((table.c.quote == currency) & table.c.base.in_(others)) | (
        (table.c.base == currency) & table.c.quote.in_(others)
    )


def _rates(rows: Iterable[Row[Any]], currency: str) -> Sequence[Rate]:
    pairs = [CurrencyPair(row.base, row.quote, row.occurred_at, row.rate, row.source) for row in rows]
    return [rate for pair in pairs if (rate := rate_of(pair, currency)) is not None]
