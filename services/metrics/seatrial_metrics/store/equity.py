"""Reads and writes equity books: accounts, portfolios, and the states they passed through."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Table, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.figures.equity import EquityChange, EquityState
from seatrial_metrics.equity import AccountEquity, EquityBooks, EquityCurve, EquityHistory, EquityMark, StoredEquity
from seatrial_metrics.ledger import AccountChanges, EnvironmentState
from seatrial_metrics.off_loop import call
from seatrial_service.db.metrics import AccountBook, EquityPoint, PortfolioBook, PortfolioPoint

UPSERT_ROWS = 300
Values = dict[str, Any]  # Any: one row, columns of many types

_ACCOUNTS: Table = AccountBook.__table__  # type: ignore[assignment]
_PORTFOLIOS: Table = PortfolioBook.__table__  # type: ignore[assignment]
_POINTS: Table = EquityPoint.__table__  # type: ignore[assignment]
_PORTFOLIO_POINTS: Table = PortfolioPoint.__table__  # type: ignore[assignment]
# The totals of a new account; `add_totals` alone changes them afterwards.
_ZERO_TOTALS = {"realised_pnl": 0, "wins": 0, "losses": 0, "flats": 0, "late_events": 0}

_ADD_TOTALS = text(
    """
    UPDATE metrics.accounts
    SET realised_pnl = realised_pnl + CAST(:pnl AS numeric), wins = wins + :wins, losses = losses + :losses,
        flats = flats + :flats, late_events = late_events + :late,
        last_occurred_at = GREATEST(last_occurred_at, :newest)
    WHERE environment = :environment AND account = :account
    """
)
_STATES_BEFORE = text(
    """
    SELECT DISTINCT ON (account) *
    FROM metrics.equity_points
    WHERE environment = :environment AND account = ANY(CAST(:accounts AS text[])) AND occurred_at < :start
    ORDER BY account, occurred_at DESC
    """
)


async def lock(session: AsyncSession, environment: str, accounts: Sequence[str], now: datetime) -> EnvironmentState:
    """Return the state of accounts and their portfolio, locked until the transaction ends.

    Args:
        session: The transaction.
        environment: The environment of the accounts.
        accounts: Sorted names; a new account gets a row.
        now: The instant of writing.
    """
    empty = _curve_values(EquityCurve(), now)
    rows = [
        {"environment": environment, "account": account, "currency": "USD", **_ZERO_TOTALS, **empty}
        for account in accounts
    ]
    await session.execute(insert(_ACCOUNTS).on_conflict_do_nothing(), rows)
    await session.execute(insert(_PORTFOLIOS).on_conflict_do_nothing(), [{"environment": environment, **empty}])
    account_rows = await _lock_accounts(session, environment, accounts)
    portfolio = await session.execute(
        select(_PORTFOLIOS).where(_PORTFOLIOS.c.environment == environment).with_for_update()
    )
    return EnvironmentState(
        books=EquityBooks({row.account: read_account(row) for row in account_rows}, read_curve(portfolio.one())),
        last_occurred_at={
            row.account: row.last_occurred_at for row in account_rows if row.last_occurred_at is not None
        },
    )


async def add_totals(session: AsyncSession, environment: str, changes: Mapping[str, AccountChanges]) -> None:
    """Add closed trades and late events to accounts."""
    rows = [
        {
            "environment": environment,
            "account": account,
            "late": change.late_events,
            "newest": change.last_occurred_at,
            **vars(change.closed),
        }
        for account, change in sorted(changes.items())
    ]
    await session.execute(_ADD_TOTALS, rows)


async def read_around(session: AsyncSession, environment: str, books: EquityBooks, start: datetime) -> StoredEquity:
    """Return the stored equity around an instant, with its accounts locked.

    Args:
        session: The transaction.
        environment: The environment of the books.
        books: The books of the transaction.
        start: The earliest instant to recompute.
    """
    marks = await _marks_since(session, environment, start)
    names = {mark.account for mark in marks} | set(books.accounts)
    others = await _lock_accounts(session, environment, sorted(names - set(books.accounts)))
    return StoredEquity(
        marks=marks,
        accounts={row.account: read_account(row) for row in others},
        states=await _states_before(session, environment, sorted(names), start),
        portfolio=await _portfolio_before(session, environment, start),
    )


async def save(
    session: AsyncSession, environment: str, books: EquityBooks, history: EquityHistory, now: datetime
) -> None:
    """Write the books and the states that they passed through."""
    size = len(books.accounts) + len(history.points) + len(history.portfolio)
    accounts, points, portfolio = await call(size, _rows, environment, books, history, now)
    await _upsert(session, _ACCOUNTS, accounts)
    await _upsert(session, _POINTS, points)
    await _upsert(session, _PORTFOLIO_POINTS, portfolio)
    if history.portfolio:
        row = {"environment": environment, **_curve_values(books.portfolio, now)}
        await _upsert(session, _PORTFOLIOS, [row])


def _rows(
    environment: str, books: EquityBooks, history: EquityHistory, now: datetime
) -> tuple[list[Values], list[Values], list[Values]]:
    accounts = [
        {"environment": environment, "account": name, **_account_values(account, now)}
        for name, account in sorted(books.accounts.items())
    ]
    points = [
        {"environment": environment, "account": name, "occurred_at": at, **_mark_values(mark), **_state_values(state)}
        for (name, at), (mark, state) in sorted(history.points.items(), key=lambda item: item[0])
    ]
    portfolio = [
        {"environment": environment, "occurred_at": at, **_state_values(state)}
        for at, state in sorted(history.portfolio.items())
    ]
    return accounts, points, portfolio


async def _lock_accounts(session: AsyncSession, environment: str, accounts: Sequence[str]) -> Sequence[Row[Any]]:
    rows = await session.execute(
        select(_ACCOUNTS)
        .where(_ACCOUNTS.c.environment == environment, _ACCOUNTS.c.account.in_(accounts))
        .order_by(_ACCOUNTS.c.account)
        .with_for_update()
    )
    return rows.all()


async def _marks_since(session: AsyncSession, environment: str, start: datetime) -> Sequence[EquityMark]:
    rows = await session.execute(
        select(_POINTS).where(_POINTS.c.environment == environment, _POINTS.c.occurred_at >= start)
    )
    return [
        EquityMark(row.account, row.occurred_at, row.equity, row.cash, row.open_positions, row.risk_at_stop)
        for row in rows
    ]


async def _states_before(
    session: AsyncSession, environment: str, accounts: Sequence[str], start: datetime
) -> Mapping[str, EquityState]:
    values = {"environment": environment, "accounts": list(accounts), "start": start}
    rows = await session.execute(_STATES_BEFORE, values)
    return {row.account: _state(row) for row in rows}


async def _portfolio_before(session: AsyncSession, environment: str, start: datetime) -> EquityState:
    rows = await session.execute(
        select(_PORTFOLIO_POINTS)
        .where(_PORTFOLIO_POINTS.c.environment == environment, _PORTFOLIO_POINTS.c.occurred_at < start)
        .order_by(_PORTFOLIO_POINTS.c.occurred_at.desc())
        .limit(1)
    )
    row = rows.one_or_none()
    return EquityState() if row is None else _state(row)


async def _upsert(session: AsyncSession, table: Table, rows: Sequence[Values]) -> None:
    if not rows:
        return
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    updated = {name: statement.excluded[name] for name in rows[0] if name not in (*keys, *_ZERO_TOTALS)}
    upsert = statement.on_conflict_do_update(index_elements=keys, set_=updated)
    for first in range(0, len(rows), UPSERT_ROWS):  # the loop serves others between two parts
        await session.execute(upsert, list(rows[first : first + UPSERT_ROWS]))


def read_account(row: Row[Any]) -> AccountEquity:
    """Return the account of a row."""
    curve = read_curve(row)
    newest = None
    if curve.begun and row.pending_at is not None:
        newest = EquityMark(row.account, row.pending_at, row.equity, row.cash, row.open_positions, row.risk_at_stop)
    return AccountEquity(
        name=row.account,
        currency=row.currency,
        opening_balance=row.opening_balance,
        opened_at=row.opened_at,
        first_equity_at=row.first_equity_at,
        curve=curve,
        newest=newest,
    )


def _account_values(account: AccountEquity, now: datetime) -> Values:
    return {
        "currency": account.currency,
        "opening_balance": account.opening_balance,
        "opened_at": account.opened_at,
        "first_equity_at": account.first_equity_at,
        **_ZERO_TOTALS,
        **_mark_values(account.newest),
        **_curve_values(account.curve, now),
    }


def _mark_values(mark: EquityMark | None) -> Values:
    names = ("cash", "open_positions", "risk_at_stop")
    return {name: None if mark is None else getattr(mark, name) for name in names}


def _state(row: Row[Any]) -> EquityState:
    return EquityState(**{field.name: getattr(row, field.name) for field in fields(EquityState)})


def _state_values(state: EquityState) -> Values:
    return dict(vars(state))


def read_curve(row: Row[Any]) -> EquityCurve:
    """Return the curve of a row."""
    stored = row.pending
    pending = None
    if stored is not None:
        pending = EquityChange(
            at=row.pending_at,
            change=Decimal(stored["change"]),
            joined=Decimal(stored["joined"]),
            joining=stored["joining"],
            reported=stored["reported"],
        )
    return EquityCurve(_state_from_text(row.before), pending)


def _curve_values(curve: EquityCurve, now: datetime) -> Values:
    pending = curve.pending
    change = None
    if pending is not None:
        change = {
            "change": str(pending.change),
            "joined": str(pending.joined),
            "joining": pending.joining,
            "reported": pending.reported,
        }
    return {
        "before": _state_to_text(curve.before),
        "pending": change,
        "pending_at": None if pending is None else pending.at,
        "updated_at": now,
        **_state_values(curve.now),
    }


def _state_to_text(state: EquityState) -> Values:
    return {
        name: value if isinstance(value, int) or value is None else str(value) for name, value in vars(state).items()
    }


def _state_from_text(stored: Mapping[str, Any]) -> EquityState:
    day = stored["session_day"]
    return EquityState(
        equity=Decimal(stored["equity"]),
        peak=Decimal(stored["peak"]),
        max_drawdown_ratio=Decimal(stored["max_drawdown_ratio"]),
        base=Decimal(stored["base"]),
        session_day=None if day is None else date.fromisoformat(day),
        session_start_equity=Decimal(stored["session_start_equity"]),
        members=stored["members"],
    )
