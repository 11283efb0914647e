"""Reads stored equity around an instant, and the requests to compute a longer part again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row as SqlRow
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.figures.equity import EquityState
from seatrial_metrics.equity import EquityBooks, EquityEntry, StoredEquity
from seatrial_metrics.portfolio import PortfolioCurve, PortfolioState
from seatrial_metrics.store import equity, equity_rows, rates
from seatrial_service.db.metrics import EquityPoint, PortfolioPoint
from seatrial_service.db.metrics import Restatement as Row

# A transaction of the ledger computes so many entries again; a longer part is left to the restatements.
INLINE_ENTRIES = 500

_STATES_BEFORE = text(
    """
    SELECT point.*
    FROM unnest(CAST(:accounts AS text[]), CAST(:instants AS timestamptz[])) AS wanted (account, at)
    CROSS JOIN LATERAL (
        SELECT *
        FROM metrics.equity_points
        WHERE environment = :environment AND account = wanted.account AND occurred_at < wanted.at
          AND session_day IS NOT NULL
        ORDER BY occurred_at DESC
        LIMIT 1
    ) AS point
    """
)


@dataclass(frozen=True)
class RestatementRequest:
    """A restatement of one environment: where its running pass goes on, and where the next one starts."""

    environment: str
    cursor_at: datetime | None
    next_start_at: datetime | None


async def is_long(session: AsyncSession, environment: str, start: datetime) -> bool:
    """Return whether a recomputation must be left to the restatements."""
    if await _row(session, environment) is not None:
        return True
    points = EquityPoint.__table__
    since = (
        select(points.c.account)
        .where(points.c.environment == environment, points.c.occurred_at >= start)
        .limit(INLINE_ENTRIES + 1)
    )
    count = (await session.execute(select(func.count()).select_from(since.subquery()))).scalar_one()
    return count > INLINE_ENTRIES


async def request(session: AsyncSession, environment: str, start: datetime, now: datetime) -> None:
    """Request that everything from an instant on is computed again."""
    statement = insert(Row).values(environment=environment, next_start_at=start, requested_at=now)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["environment"],
            set_={"next_start_at": func.least(Row.next_start_at, statement.excluded.next_start_at)},
        )
    )


async def requested(session: AsyncSession) -> Sequence[str]:
    """Return the environments that wait for a restatement, the oldest first."""
    return (await session.execute(select(Row.environment).order_by(Row.requested_at))).scalars().all()


async def lock(session: AsyncSession, environment: str) -> RestatementRequest | None:
    """Return the request of an environment, locked; None if there is none or another process works on it."""
    row = await _row(session, environment, skip_locked=True)
    return None if row is None else RestatementRequest(row.environment, row.cursor_at, row.next_start_at)


async def peek(session: AsyncSession, environment: str) -> RestatementRequest | None:
    """Return the request of an environment without a lock."""
    row = (await session.execute(select(Row).where(Row.environment == environment))).scalar_one_or_none()
    return None if row is None else RestatementRequest(row.environment, row.cursor_at, row.next_start_at)


async def move(session: AsyncSession, request: RestatementRequest) -> None:
    """Store how far a restatement has come; one without an instant is finished."""
    where = Row.environment == request.environment
    if request.cursor_at is None and request.next_start_at is None:
        await session.execute(delete(Row).where(where))
        return
    values = {"cursor_at": request.cursor_at, "next_start_at": request.next_start_at}
    await session.execute(update(Row).where(where).values(**values))


async def first_entry_at(session: AsyncSession, environment: str) -> datetime | None:
    """Return the instant of the first entry of an environment."""
    points = EquityPoint.__table__
    query = select(func.min(points.c.occurred_at)).where(points.c.environment == environment)
    first: datetime | None = (await session.execute(query)).scalar_one()
    return first


async def next_entry_at(session: AsyncSession, environment: str, after: datetime) -> datetime | None:
    """Return the instant of the first entry after an instant."""
    points = EquityPoint.__table__
    query = select(func.min(points.c.occurred_at)).where(
        points.c.environment == environment, points.c.occurred_at > after
    )
    following: datetime | None = (await session.execute(query)).scalar_one()
    return following


async def currency_before(session: AsyncSession, environment: str, start: datetime) -> str | None:
    """Return the currency of the last state of a portfolio before an instant; None without one."""
    row = await _portfolio_point(session, environment, start)
    return None if row is None else str(row.currency)


async def read_around(
    session: AsyncSession, environment: str, books: EquityBooks, currencies: Collection[str], start: datetime
) -> StoredEquity:
    """Return the stored equity around an instant, with its accounts locked.

    Args:
        session: The transaction.
        environment: The environment of the books.
        books: The books of the transaction.
        currencies: The currencies of all accounts.
        start: The earliest instant to recompute.
    """
    entries = await entries_since(session, environment, start, None)
    names = {entry.account for entry in entries} | set(books.accounts)
    others = await equity.lock_accounts(session, environment, sorted(names - set(books.accounts)))
    return StoredEquity(
        entries=entries,
        rates=await rates.between(session, environment, books.portfolio.currency, currencies, start, None),
        accounts={row.account: equity_rows.read_account(row) for row in others},
        states=await states_before(session, environment, dict.fromkeys(names, start)),
        portfolio=await priced_portfolio(session, environment, books.portfolio, currencies, start),
    )


async def entries_since(
    session: AsyncSession, environment: str, start: datetime, limit: int | None, end: datetime | None = None
) -> Sequence[EquityEntry]:
    """Return the stored entries from an instant on and before `end`, the oldest first."""
    points = EquityPoint.__table__
    query = select(points).where(points.c.environment == environment, points.c.occurred_at >= start)
    if end is not None:
        query = query.where(points.c.occurred_at < end)
    query = query.order_by(points.c.occurred_at).limit(limit)
    return [equity_rows.read_entry(row) for row in await session.execute(query)]


async def states_before(
    session: AsyncSession, environment: str, instants: Mapping[str, datetime]
) -> Mapping[str, EquityState]:
    """Return the last state of accounts before an instant of each; an account without one is missing."""
    values = {"environment": environment, "accounts": list(instants), "instants": list(instants.values())}
    rows = await session.execute(_STATES_BEFORE, values)
    return {row.account: equity_rows.read_state(row) for row in rows}


async def priced_portfolio(
    session: AsyncSession, environment: str, curve: PortfolioCurve, currencies: Collection[str], start: datetime
) -> PortfolioState:
    """Return the last state of a portfolio before an instant, with the rates of currencies that joined since."""
    before = await portfolio_before(session, environment, curve.currency, start)
    rewound = curve.rewound(before)
    others = frozenset(currencies) - rewound.priced
    return rewound.knowing(await rates.last_before(session, environment, curve.currency, others, start)).before


async def portfolio_before(session: AsyncSession, environment: str, currency: str, start: datetime) -> PortfolioState:
    """Return the last state of a portfolio before an instant; an empty one if that is in another currency."""
    row = await _portfolio_point(session, environment, start)
    return PortfolioState() if row is None or row.currency != currency else equity_rows.read_portfolio_state(row)


async def _portfolio_point(session: AsyncSession, environment: str, start: datetime) -> SqlRow[Any] | None:
    points = PortfolioPoint.__table__
    rows = await session.execute(
        select(points)
        .where(points.c.environment == environment, points.c.occurred_at < start)
        .order_by(points.c.occurred_at.desc())
        .limit(1)
    )
    return rows.one_or_none()


async def _row(session: AsyncSession, environment: str, *, skip_locked: bool = False) -> Row | None:
    query = select(Row).where(Row.environment == environment).with_for_update(skip_locked=skip_locked)
    return (await session.execute(query)).scalar_one_or_none()
