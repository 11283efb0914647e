"""Writes what a change leaves behind; the caller owns the transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_engine.domain.account import Account, TradingControl
from seatrial_engine.domain.changes import Event, KnownOrder, StateChanges
from seatrial_engine.domain.fills import Fill
from seatrial_service.db.tables import metadata

ROW_EVENTS = 2_000
# Rows go in as rows: the objects that the ORM would make of them cost more than the statement.
ACCOUNTS, POSITIONS, ORDERS, FILLS, OUTBOX, CONTROL_CHANGES = (
    metadata.tables[f"engine.{name}"]
    for name in ("accounts", "positions", "orders", "fills", "outbox", "control_changes")
)


async def write(session: AsyncSession, effects: StateChanges, replay: str | None = None) -> None:
    """Write everything of one change.

    Args:
        session: The transaction.
        effects: What to write.
        replay: The replay that the accounts belong to.
    """
    if effects.orders:
        await session.execute(insert(ORDERS), [_order(each) for each in effects.orders])
    if effects.fills:
        await session.execute(insert(FILLS), [_fill(each) for each in effects.fills])
    if effects.accounts:
        await _write_accounts(session, effects.accounts, replay)
    if effects.control is not None:
        await _write_control(session, effects.control)
    await put(session, effects.events)


async def put(session: AsyncSession, events: Sequence[Event]) -> None:
    """Put events into the outbox."""
    parts = [events[first : first + ROW_EVENTS] for first in range(0, len(events), ROW_EVENTS)]
    if parts:
        rows = [{"count": len(part), "events": json.dumps(part, separators=(",", ":"))} for part in parts]
        await session.execute(insert(OUTBOX), rows)


async def _write_accounts(session: AsyncSession, accounts: Mapping[str, Account], replay: str | None) -> None:
    # Sorted, so that two writers lock rows in one order.
    statement = upsert(ACCOUNTS)
    kept = {name: statement.excluded[name] for name in _account_row(next(iter(accounts.values())), replay)}
    rows = [_account_row(accounts[name], replay) for name in sorted(accounts)]
    await session.execute(statement.on_conflict_do_update(index_elements=["account"], set_=kept), rows)
    await session.execute(delete(POSITIONS).where(POSITIONS.c.account.in_(accounts)))
    positions = list(_positions(accounts.values()))
    if positions:
        await session.execute(insert(POSITIONS), positions)


async def _write_control(session: AsyncSession, control: TradingControl) -> None:
    values = {
        "state": control.state.value,
        "actor": control.actor,
        "reason": control.reason,
        "changed_at": control.changed_at,
    }
    await session.execute(insert(CONTROL_CHANGES).values(**values))


Row = dict[str, Any]  # Any: columns of many types


def _order(known: KnownOrder) -> Row:
    order = known.order
    values = {name: getattr(order, name) for name in type(order).model_fields}
    plain = {"side": order.side.value, "status": order.status.value, "environment": order.environment.value}
    return {**values, **plain, "fingerprint": known.fingerprint}


def _fill(fill: Fill) -> Row:
    return {**asdict(fill), "side": fill.side.value}


def _account_row(account: Account, replay: str | None) -> Row:
    return {
        "account": account.name,
        "environment": account.environment.value,
        "opening_balance": account.opening_balance,
        "cash": account.cash,
        "equity": account.equity,
        "session_day": account.session_day,
        "session_start_equity": account.session_start_equity,
        **asdict(account.history),
        "replay": replay,
    }


def _positions(accounts: Iterable[Account]) -> Iterable[Row]:
    for account in accounts:
        for held in account.holdings.values():
            yield {"account": account.name, **asdict(held)}
