"""Reads and writes equity books: accounts, portfolios, and the states they passed through."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, case, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.figures.equity import EquityState
from seatrial_metrics.equity import AccountEquity, EquityBooks, EquityEntry, EquityHistory
from seatrial_metrics.ledger import AccountChanges, EnvironmentState
from seatrial_metrics.off_loop import call
from seatrial_metrics.portfolio import PortfolioCurve
from seatrial_metrics.store import equity_rows
from seatrial_metrics.store.equity_rows import Values
from seatrial_service.db.metrics import AccountBook, EquityPoint, PortfolioBook, PortfolioPoint

UPSERT_ROWS = 300

_ACCOUNTS: Table = AccountBook.__table__  # type: ignore[assignment]
_PORTFOLIOS: Table = PortfolioBook.__table__  # type: ignore[assignment]
_POINTS: Table = EquityPoint.__table__  # type: ignore[assignment]
_PORTFOLIO_POINTS: Table = PortfolioPoint.__table__  # type: ignore[assignment]
# The totals of a new account; `add_totals` alone changes them afterwards.
_ZERO_TOTALS = {"realised_pnl": 0, "wins": 0, "losses": 0, "flats": 0, "filled_trades": 0, "late_events": 0}

_ADD_TOTALS = text(
    """
    UPDATE metrics.accounts
    SET realised_pnl = realised_pnl + CAST(:pnl AS numeric), wins = wins + :wins, losses = losses + :losses,
        flats = flats + :flats, filled_trades = filled_trades + :filled, late_events = late_events + :late,
        last_occurred_at = GREATEST(last_occurred_at, :newest)
    WHERE environment = :environment AND account = :account
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
    rows = [
        {
            "environment": environment,
            "account": account,
            **_ZERO_TOTALS,
            **equity_rows.account_values(AccountEquity(account), now),
        }
        for account in accounts
    ]
    empty = {"environment": environment, **equity_rows.portfolio_values(PortfolioCurve(), now)}
    await session.execute(insert(_ACCOUNTS).on_conflict_do_nothing(), rows)
    await session.execute(insert(_PORTFOLIOS).on_conflict_do_nothing(), [empty])
    account_rows = await lock_accounts(session, environment, accounts)
    portfolio = await session.execute(
        select(_PORTFOLIOS).where(_PORTFOLIOS.c.environment == environment).with_for_update()
    )
    return EnvironmentState(
        books=EquityBooks(
            {row.account: equity_rows.read_account(row) for row in account_rows},
            equity_rows.read_portfolio(portfolio.one()),
        ),
        last_occurred_at={
            row.account: row.last_occurred_at for row in account_rows if row.last_occurred_at is not None
        },
        other_currencies=await _other_currencies(session, environment, accounts),
    )


async def read_all(session: AsyncSession, environment: str, *, for_update: bool) -> EquityBooks:
    """Return every account of an environment and the portfolio, locked until the transaction ends if `for_update`."""
    accounts = select(_ACCOUNTS).where(_ACCOUNTS.c.environment == environment).order_by(_ACCOUNTS.c.account)
    portfolio = select(_PORTFOLIOS).where(_PORTFOLIOS.c.environment == environment)
    if for_update:
        accounts, portfolio = accounts.with_for_update(), portfolio.with_for_update()
    rows = await session.execute(accounts)
    by_name = {row.account: equity_rows.read_account(row) for row in rows}
    row = (await session.execute(portfolio)).one_or_none()
    return EquityBooks(by_name, PortfolioCurve() if row is None else equity_rows.read_portfolio(row))


async def lock_accounts(session: AsyncSession, environment: str, accounts: Sequence[str]) -> Sequence[Row[Any]]:
    """Return the rows of accounts, locked in the order of their names."""
    rows = await session.execute(
        select(_ACCOUNTS)
        .where(_ACCOUNTS.c.environment == environment, _ACCOUNTS.c.account.in_(accounts))
        .order_by(_ACCOUNTS.c.account)
        .with_for_update()
    )
    return rows.all()


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


async def add_entries(session: AsyncSession, environment: str, entries: Iterable[EquityEntry]) -> None:
    """Store what accounts reported, without the states that follow from it."""
    merged: dict[tuple[str, datetime], EquityEntry] = {}
    for entry in entries:
        key = (entry.account, entry.at)
        merged[key] = merged[key].plus(entry) if key in merged else entry
    unknown = equity_rows.state_values(EquityState())
    rows = [
        {
            "environment": environment,
            "account": account,
            "occurred_at": at,
            **equity_rows.entry_values(entry),
            **unknown,
        }
        for (account, at), entry in sorted(merged.items(), key=lambda item: item[0])
    ]
    if not rows:
        return
    statement = insert(_POINTS)
    new, stored = statement.excluded, _POINTS.c
    # A mark replaces all of an earlier mark of the same instant, also what it does not report.
    is_mark = new.marked_equity.is_not(None)
    marked = ("marked_equity", "cash", "open_positions", "risk_at_stop")
    replaced = {name: case((is_mark, new[name]), else_=stored[name]) for name in marked}
    sums = {name: stored[name] + new[name] for name in ("flow", "result")}
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["environment", "account", "occurred_at"], set_={**replaced, **sums}
        ),
        rows,
    )


async def save_books(session: AsyncSession, environment: str, books: EquityBooks, now: datetime) -> None:
    """Write accounts and the portfolio."""
    accounts = [
        {"environment": environment, "account": name, **_ZERO_TOTALS, **equity_rows.account_values(account, now)}
        for name, account in sorted(books.accounts.items())
    ]
    await _upsert(session, _ACCOUNTS, accounts)
    portfolio = {"environment": environment, **equity_rows.portfolio_values(books.portfolio, now)}
    await _upsert(session, _PORTFOLIOS, [portfolio])


async def save_states(session: AsyncSession, environment: str, history: EquityHistory, currency: str) -> None:
    """Write the states that accounts and the portfolio passed through."""
    size = len(history.points) + len(history.portfolio)
    points, portfolio = await call(size, _state_rows, environment, history, currency)
    await _upsert(session, _POINTS, points)
    await _upsert(session, _PORTFOLIO_POINTS, portfolio)


def _state_rows(environment: str, history: EquityHistory, currency: str) -> tuple[list[Values], list[Values]]:
    points = [
        {
            "environment": environment,
            "account": name,
            "occurred_at": at,
            **equity_rows.entry_values(entry),
            **equity_rows.state_values(state),
        }
        for (name, at), (entry, state) in sorted(history.points.items(), key=lambda item: item[0])
    ]
    portfolio = [
        {"environment": environment, "occurred_at": at, **equity_rows.portfolio_state_values(state, currency)}
        for at, state in sorted(history.portfolio.items())
    ]
    return points, portfolio


async def _other_currencies(session: AsyncSession, environment: str, accounts: Sequence[str]) -> frozenset[str]:
    has_money = _ACCOUNTS.c.session_day.is_not(None) | _ACCOUNTS.c.opening_balance.is_not(None)
    rows = await session.execute(
        select(_ACCOUNTS.c.currency)
        .where(_ACCOUNTS.c.environment == environment, _ACCOUNTS.c.account.not_in(accounts), has_money)
        .distinct()
    )
    return frozenset(rows.scalars())


async def _upsert(session: AsyncSession, table: Table, rows: Sequence[Values]) -> None:
    if not rows:
        return
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    updated = {name: statement.excluded[name] for name in rows[0] if name not in (*keys, *_ZERO_TOTALS)}
    upsert = statement.on_conflict_do_update(index_elements=keys, set_=updated)
    for first in range(0, len(rows), UPSERT_ROWS):  # the loop serves others between two parts
        await session.execute(upsert, list(rows[first : first + UPSERT_ROWS]))
