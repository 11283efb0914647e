"""Reads orders and fills."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import Order, OrderStatus, Side
from seatrial_engine.domain.changes import OrderKey, OrderRecord
from seatrial_engine.domain.fills import Fill
from seatrial_service.db.engine import FillRow, OrderRow


@dataclass(frozen=True)
class ListFilter:
    """Which rows to list, oldest first; `after` is the sequence of the last row of the page before."""

    account: str | None = None
    since: datetime | None = None
    client_order_id: str | None = None
    after: int | None = None


async def find(session: AsyncSession, keys: Collection[OrderKey]) -> Mapping[OrderKey, OrderRecord]:
    """Return the stored orders with these keys."""
    if not keys:
        return {}
    columns = tuple_(OrderRow.account, OrderRow.client_order_id)
    rows = (await session.scalars(select(OrderRow).where(columns.in_(list(keys))))).all()
    return {(row.account, row.client_order_id): OrderRecord(_order(row), row.fingerprint) for row in rows}


async def order(session: AsyncSession, identity: str) -> Order | None:
    """Return an order, or None."""
    row = await session.get(OrderRow, identity)
    return None if row is None else _order(row)


async def orders(session: AsyncSession, filters: ListFilter, limit: int) -> list[tuple[int, Order]]:
    """Return orders with their sequences, oldest first."""
    statement = select(OrderRow).order_by(OrderRow.sequence).limit(limit)
    if filters.account is not None:
        statement = statement.where(OrderRow.account == filters.account)
    if filters.client_order_id is not None:
        statement = statement.where(OrderRow.client_order_id == filters.client_order_id)
    if filters.since is not None:
        statement = statement.where(OrderRow.created_at >= filters.since)
    if filters.after is not None:
        statement = statement.where(OrderRow.sequence > filters.after)
    return [(row.sequence, _order(row)) for row in (await session.scalars(statement)).all()]


async def fills(session: AsyncSession, filters: ListFilter, limit: int) -> list[tuple[int, Fill]]:
    """Return fills with their sequences, oldest first."""
    statement = select(FillRow).order_by(FillRow.sequence).limit(limit)
    if filters.account is not None:
        statement = statement.where(FillRow.account == filters.account)
    if filters.since is not None:
        statement = statement.where(FillRow.occurred_at >= filters.since)
    if filters.after is not None:
        statement = statement.where(FillRow.sequence > filters.after)
    return [(row.sequence, _fill(row)) for row in (await session.scalars(statement)).all()]


def _order(row: OrderRow) -> Order:
    return Order(
        id=row.id,
        client_order_id=row.client_order_id,
        account=row.account,
        strategy=row.strategy,
        symbol=row.symbol,
        side=Side(row.side),
        quantity=row.quantity,
        status=OrderStatus(row.status),
        reason=row.reason,
        price=row.price,
        fee=row.fee,
        pnl=row.pnl,
        stop_loss=row.stop_loss,
        take_profit=row.take_profit,
        environment=Environment(row.environment),
        created_at=row.created_at,
        filled_at=row.filled_at,
    )


def _fill(row: FillRow) -> Fill:
    return Fill(
        id=row.id,
        order_id=row.order_id,
        account=row.account,
        strategy=row.strategy,
        symbol=row.symbol,
        side=Side(row.side),
        quantity=row.quantity,
        price=row.price,
        fee=row.fee,
        occurred_at=row.occurred_at,
        pnl=row.pnl,
        holding_seconds=row.holding_seconds,
        exit_reason=row.exit_reason,
    )
