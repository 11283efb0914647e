"""Replays in Postgres: what was asked for, how far each is, what each account did."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_service.db.engine import AccountRow, ReplayPartRow, ReplayRow

Json = dict[str, Any]  # Any: JSON


@dataclass(frozen=True)
class StoredReplay:
    """One replay as it stands."""

    id: str
    fingerprint: str
    status: str
    steps_done: int
    steps_total: int
    trades: int
    error: str | None


@dataclass(frozen=True)
class ReplayPart:
    """What one account did in one chunk of steps."""

    account: str
    trades: Sequence[Json]
    equity: Sequence[float]


@dataclass(frozen=True)
class ReplayProgress:
    """How far a chunk brought a replay."""

    first_step: int
    steps_done: int
    trades: int
    finished: bool
    progress: Json
    parts: Sequence[ReplayPart]


async def get(session: AsyncSession, identity: str) -> StoredReplay | None:
    """Return a replay, or None."""
    columns = [getattr(ReplayRow, name) for name in StoredReplay.__dataclass_fields__]
    row = (await session.execute(select(*columns).where(ReplayRow.id == identity))).one_or_none()
    return None if row is None else StoredReplay(*row)


async def running(session: AsyncSession) -> list[str]:
    """Return the replays that have to go on, oldest first."""
    statement = select(ReplayRow.id).where(ReplayRow.status == "running").order_by(ReplayRow.created_at)
    return list((await session.scalars(statement)).all())


async def accounts(session: AsyncSession) -> dict[str, str]:
    """Return the replay of every account that belongs to one."""
    statement = select(AccountRow.account, AccountRow.replay).where(AccountRow.replay.is_not(None))
    return {name: replay for name, replay in (await session.execute(statement)).all() if replay is not None}


async def create(session: AsyncSession, new: StoredReplay, request: str, at: datetime) -> bool:
    """Keep a new replay; return False when there is one with this id."""
    values = {**asdict(new), "request": request, "created_at": at}
    statement = upsert(ReplayRow).values(**values).on_conflict_do_nothing().returning(ReplayRow.id)
    return (await session.execute(statement)).one_or_none() is not None


async def read(session: AsyncSession, identity: str) -> tuple[str, Json | None, int] | None:
    """Return the request, the progress to go on from, and the steps done of a running replay."""
    statement = select(ReplayRow.request, ReplayRow.progress, ReplayRow.steps_done)
    row = (
        await session.execute(statement.where(ReplayRow.id == identity, ReplayRow.status == "running"))
    ).one_or_none()
    return None if row is None else (row[0], None if row[1] is None else json.loads(row[1]), row[2])


async def request(session: AsyncSession, identity: str) -> str | None:
    """Return what a replay was asked to do."""
    return (await session.scalars(select(ReplayRow.request).where(ReplayRow.id == identity))).one_or_none()


async def reach(session: AsyncSession, identity: str, reached: ReplayProgress) -> bool:
    """Keep what a chunk did; return False when the replay was stopped, or is further already."""
    statement = (
        update(ReplayRow)
        .where(ReplayRow.id == identity, ReplayRow.status == "running", ReplayRow.steps_done == reached.first_step)
        .values(
            status="finished" if reached.finished else "running",
            steps_done=reached.steps_done,
            trades=ReplayRow.trades + reached.trades,
            progress=json.dumps(reached.progress),
        )
        .returning(ReplayRow.id)
    )
    if (await session.execute(statement)).one_or_none() is None:
        return False
    rows = [
        {
            "replay": identity,
            "account": part.account,
            "first_step": reached.first_step,
            "trades": json.dumps(part.trades),
            "equity": json.dumps(part.equity),
        }
        for part in reached.parts
    ]
    await session.execute(insert(ReplayPartRow), rows)
    return True


async def end(session: AsyncSession, identity: str, status: str, error: str | None = None) -> None:
    """Stop a running replay, or let it fail."""
    statement = update(ReplayRow).where(ReplayRow.id == identity, ReplayRow.status == "running")
    await session.execute(statement.values(status=status, error=error))


async def parts(session: AsyncSession, identity: str) -> Mapping[str, ReplayPart]:
    """Return what each account did so far."""
    statement = (
        select(ReplayPartRow)
        .where(ReplayPartRow.replay == identity)
        .order_by(ReplayPartRow.account, ReplayPartRow.first_step)
    )
    found: dict[str, tuple[list[Json], list[float]]] = {}
    for row in (await session.scalars(statement)).all():
        trades, equity = found.setdefault(row.account, ([], []))
        trades.extend(json.loads(row.trades))
        equity.extend(json.loads(row.equity))
    return {account: ReplayPart(account, trades, equity) for account, (trades, equity) in found.items()}
