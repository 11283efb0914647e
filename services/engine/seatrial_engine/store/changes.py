"""Writes the changes of commands; the caller owns the transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_engine.domain.account import Account, TradingControl
from seatrial_engine.domain.changes import Event, NewReplay, OrderRecord, StateChanges
from seatrial_engine.domain.fills import Fill
from seatrial_service.db.tables import metadata

MAX_ROW_EVENTS = 2_000
# Plain rows: building ORM objects costs more than the statement.
ACCOUNTS, POSITIONS, ORDERS, FILLS, REPLAYS, OUTBOX, CONTROL_CHANGES = (
    metadata.tables[f"engine.{name}"]
    for name in ("accounts", "positions", "orders", "fills", "replays", "outbox", "control_changes")
)

Row = dict[str, Any]  # Any: columns of many types


async def write(session: AsyncSession, changes: StateChanges) -> None:
    """Write all changes."""
    if changes.orders:
        await session.execute(insert(ORDERS), [_order_row(record) for record in changes.orders])
    if changes.fills:
        await session.execute(insert(FILLS), [_fill_row(fill) for fill in changes.fills])
    if changes.replays:
        await session.execute(insert(REPLAYS), [_replay_row(replay) for replay in changes.replays])
    if changes.accounts:
        await _write_accounts(session, changes.accounts)
    if changes.control is not None:
        await _write_control(session, changes.control)
    await _write_events(session, changes.events)


async def _write_events(session: AsyncSession, events: Sequence[Event]) -> None:
    parts = [events[first : first + MAX_ROW_EVENTS] for first in range(0, len(events), MAX_ROW_EVENTS)]
    if parts:
        rows = [{"count": len(part), "events": json.dumps(part, separators=(",", ":"))} for part in parts]
        await session.execute(insert(OUTBOX), rows)


async def _write_accounts(session: AsyncSession, accounts: Mapping[str, Account]) -> None:
    # Sorted, so that two writers lock rows in the same order.
    rows = [_account_row(accounts[name]) for name in sorted(accounts)]
    statement = upsert(ACCOUNTS)
    updates = {name: statement.excluded[name] for name in rows[0]}
    await session.execute(statement.on_conflict_do_update(index_elements=["account"], set_=updates), rows)
    await session.execute(delete(POSITIONS).where(POSITIONS.c.account.in_(accounts)))
    positions = list(_position_rows(accounts.values()))
    if positions:
        await session.execute(insert(POSITIONS), positions)


async def _write_control(session: AsyncSession, control: TradingControl) -> None:
    values = {
        "state": control.state.value,
        "actor": control.actor,
        "reason": control.reason,
        "changed_at": control.changed_at,
        "note": control.note,
    }
    await session.execute(insert(CONTROL_CHANGES).values(**values))


def _order_row(record: OrderRecord) -> Row:
    order = record.order
    values = {name: getattr(order, name) for name in type(order).model_fields}
    plain = {"side": order.side.value, "status": order.status.value, "environment": order.environment.value}
    return {**values, **plain, "fingerprint": record.fingerprint}


def _fill_row(fill: Fill) -> Row:
    return {**asdict(fill), "side": fill.side.value}


def _replay_row(replay: NewReplay) -> Row:
    return {**asdict(replay), "status": "running", "steps_done": 0, "trades": 0}


def _account_row(account: Account) -> Row:
    return {
        "account": account.name,
        "environment": account.environment.value,
        "opening_balance": account.initial_balance,
        "cash": account.cash,
        "equity": account.equity,
        "session_day": account.session_day,
        "session_start_equity": account.session_start_equity,
        **asdict(account.history),
        "replay": account.replay,
        "equity_history": account.equity_history.to_json(),
    }


def _position_rows(accounts: Iterable[Account]) -> Iterable[Row]:
    for account in accounts:
        for position in account.positions.values():
            yield {"account": account.name, **asdict(position)}
