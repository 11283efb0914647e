"""Reads and writes the books: accounts, portfolios, and the levels they passed through."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Table, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_metrics.counters import ClosedCount
from seatrial_metrics.equity import (
    AccountEquity,
    EquityBooks,
    EquityChange,
    EquityCurve,
    EquityHistory,
    EquityMark,
    EquityState,
)
from seatrial_service.db.metrics import AccountBook, EquityPoint, PortfolioBook, PortfolioPoint

Values = dict[str, Any]  # Any: one row, columns of many types

_ACCOUNTS: Table = AccountBook.__table__  # type: ignore[assignment]
_PORTFOLIOS: Table = PortfolioBook.__table__  # type: ignore[assignment]
_POINTS: Table = EquityPoint.__table__  # type: ignore[assignment]
_PORTFOLIO_POINTS: Table = PortfolioPoint.__table__  # type: ignore[assignment]
_OWN_COLUMNS = ("realised_pnl", "wins", "losses", "flats", "late_events")

_COUNT = text(
    """
    UPDATE metrics.accounts
    SET realised_pnl = realised_pnl + CAST(:pnl AS numeric), wins = wins + :wins, losses = losses + :losses,
        flats = flats + :flats, late_events = late_events + :late,
        last_occurred_at = GREATEST(last_occurred_at, :newest)
    WHERE environment = :environment AND account = :account
    """
)
_LEVELS_BEFORE = text(
    """
    SELECT DISTINCT ON (account) *
    FROM metrics.equity_points
    WHERE environment = :environment AND account = ANY(CAST(:names AS text[])) AND occurred_at < :start
    ORDER BY account, occurred_at DESC
    """
)


async def lock(session: AsyncSession, environment: str, names: Sequence[str], now: datetime) -> EquityBooks:
    """Return the books of the named accounts and their portfolio, locked until the transaction ends.

    Args:
        session: The transaction.
        environment: Whose books.
        names: Accounts; those that are new get a row.
        now: The instant of writing.
    """
    empty = _curve_values(EquityCurve(), now)
    fresh = {"environment": environment, "currency": "USD", "late_events": 0, "realised_pnl": 0}
    counts = {"wins": 0, "losses": 0, "flats": 0}
    rows = [{**fresh, **counts, **empty, "account": name} for name in sorted(names)]
    await session.execute(insert(_ACCOUNTS).on_conflict_do_nothing(), rows)
    await session.execute(insert(_PORTFOLIOS).on_conflict_do_nothing(), [{"environment": environment, **empty}])
    found = await session.execute(
        select(_ACCOUNTS)
        .where(_ACCOUNTS.c.environment == environment, _ACCOUNTS.c.account.in_(names))
        .order_by(_ACCOUNTS.c.account)
        .with_for_update()
    )
    accounts = {row.account: read_account(row) for row in found}
    portfolio = await session.execute(
        select(_PORTFOLIOS).where(_PORTFOLIOS.c.environment == environment).with_for_update()
    )
    return EquityBooks(accounts, read_curve(portfolio.one()))


async def newest_events(session: AsyncSession, environment: str, names: Sequence[str]) -> Mapping[str, datetime]:
    """Return when the newest event of each account occurred, for those that have one."""
    found = await session.execute(
        select(_ACCOUNTS.c.account, _ACCOUNTS.c.last_occurred_at).where(
            _ACCOUNTS.c.environment == environment,
            _ACCOUNTS.c.account.in_(names),
            _ACCOUNTS.c.last_occurred_at.is_not(None),
        )
    )
    return {row.account: row.last_occurred_at for row in found}


async def count(
    session: AsyncSession, environment: str, name: str, closed: ClosedCount, late: int, newest: datetime
) -> None:
    """Add closed trades and late events to an account."""
    values = {"environment": environment, "account": name, "late": late, "newest": newest, **vars(closed)}
    await session.execute(_COUNT, values)


async def rewind(
    session: AsyncSession, environment: str, books: EquityBooks, start: datetime
) -> tuple[EquityBooks, Sequence[EquityMark]]:
    """Return the books as they stood before an instant, and every stored point from it on.

    Args:
        session: The transaction.
        environment: Whose books.
        books: The locked books, with openings of this transaction already in.
        start: The first instant to tell again.
    """
    points = await _points_since(session, environment, start)
    named = {point.account for point in points} | set(books.accounts)
    missing = sorted(named - set(books.accounts))
    others = await session.execute(
        select(_ACCOUNTS)
        .where(_ACCOUNTS.c.environment == environment, _ACCOUNTS.c.account.in_(missing))
        .order_by(_ACCOUNTS.c.account)
        .with_for_update()
    )
    accounts = {**books.accounts, **{row.account: read_account(row) for row in others}}
    levels = await _levels_before(session, environment, sorted(named), start)
    rewound = {name: _rewound(account, levels.get(name, EquityState()), start) for name, account in accounts.items()}
    found = await session.execute(
        select(_PORTFOLIO_POINTS)
        .where(_PORTFOLIO_POINTS.c.environment == environment, _PORTFOLIO_POINTS.c.occurred_at < start)
        .order_by(_PORTFOLIO_POINTS.c.occurred_at.desc())
        .limit(1)
    )
    last = found.one_or_none()
    return EquityBooks(rewound, EquityCurve(EquityState() if last is None else _level(last))), points


async def save(
    session: AsyncSession, environment: str, books: EquityBooks, history: EquityHistory, now: datetime
) -> None:
    """Write the books and the levels they passed through."""
    accounts = [
        {"environment": environment, "account": name, **_account_values(account, now)}
        for name, account in sorted(books.accounts.items())
    ]
    points = [
        {"environment": environment, "account": name, "occurred_at": at, **_point_values(point), **_level_values(level)}
        for (name, at), (point, level) in sorted(history.points.items(), key=lambda item: item[0])
    ]
    portfolio = [
        {"environment": environment, "occurred_at": at, **_level_values(level)}
        for at, level in sorted(history.portfolio.items())
    ]
    await _upsert(session, _ACCOUNTS, accounts)
    await _upsert(session, _POINTS, points)
    await _upsert(session, _PORTFOLIO_POINTS, portfolio)
    if history.portfolio:
        row = {"environment": environment, **_curve_values(books.portfolio, now)}
        await _upsert(session, _PORTFOLIOS, [row])


async def _points_since(session: AsyncSession, environment: str, start: datetime) -> Sequence[EquityMark]:
    found = await session.execute(
        select(_POINTS).where(_POINTS.c.environment == environment, _POINTS.c.occurred_at >= start)
    )
    return [
        EquityMark(row.account, row.occurred_at, row.equity, row.cash, row.open_positions, row.risk_at_stop)
        for row in found
    ]


async def _levels_before(
    session: AsyncSession, environment: str, names: Sequence[str], start: datetime
) -> Mapping[str, EquityState]:
    values = {"environment": environment, "names": list(names), "start": start}
    found = await session.execute(_LEVELS_BEFORE, values)
    return {row.account: _level(row) for row in found}


def _rewound(account: AccountEquity, level: EquityState, start: datetime) -> AccountEquity:
    pending = account.curve.pending
    return account if pending is None or pending.at < start else replace(account, curve=EquityCurve(level))


async def _upsert(session: AsyncSession, table: Table, rows: Sequence[Values]) -> None:
    if not rows:
        return
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    kept = {name: statement.excluded[name] for name in rows[0] if name not in (*keys, *_OWN_COLUMNS)}
    await session.execute(statement.on_conflict_do_update(index_elements=keys, set_=kept), list(rows))


def read_account(row: Row[Any]) -> AccountEquity:
    """Return an account as its row tells it."""
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
        "realised_pnl": 0,
        "wins": 0,
        "losses": 0,
        "flats": 0,
        "late_events": 0,
        **_point_values(account.newest),
        **_curve_values(account.curve, now),
    }


def _point_values(point: EquityMark | None) -> Values:
    names = ("cash", "open_positions", "risk_at_stop")
    return {name: None if point is None else getattr(point, name) for name in names}


def _level(row: Row[Any]) -> EquityState:
    return EquityState(**{each.name: getattr(row, each.name) for each in fields(EquityState)})


def _level_values(level: EquityState) -> Values:
    return dict(vars(level))


def read_curve(row: Row[Any]) -> EquityCurve:
    """Return a curve as its row tells it."""
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
    return EquityCurve(_level_from_text(row.before), pending)


def _curve_values(curve: EquityCurve, now: datetime) -> Values:
    pending = curve.pending
    step = None
    if pending is not None:
        step = {
            "change": str(pending.change),
            "joined": str(pending.joined),
            "joining": pending.joining,
            "reported": pending.reported,
        }
    return {
        "before": _level_to_text(curve.before),
        "pending": step,
        "pending_at": None if pending is None else pending.at,
        "updated_at": now,
        **_level_values(curve.now),
    }


def _level_to_text(level: EquityState) -> Values:
    return {
        name: value if isinstance(value, int) or value is None else str(value) for name, value in vars(level).items()
    }


def _level_from_text(stored: Mapping[str, Any]) -> EquityState:
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
