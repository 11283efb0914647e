"""Replays in Postgres: the request, the progress, and what each account did."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import JSON, Function, cast, column, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from seatrial_core.json_types import Json
from seatrial_service.db.engine import ReplayPartRow, ReplayRow


@dataclass(frozen=True)
class StoredReplay:
    """The state of one replay."""

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
    """The progress that one chunk makes."""

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
    """Return the ids of the running replays, oldest first."""
    statement = select(ReplayRow.id).where(ReplayRow.status == "running").order_by(ReplayRow.created_at)
    return list((await session.scalars(statement)).all())


async def is_running(session: AsyncSession, identity: str) -> bool:
    """Return whether a replay is running."""
    statement = select(ReplayRow.id).where(ReplayRow.id == identity, ReplayRow.status == "running")
    return (await session.execute(statement)).one_or_none() is not None


async def progress_text(session: AsyncSession, identity: str) -> str | None:
    """Return what a running replay continues from as JSON, or None before its first chunk."""
    return await session.scalar(select(ReplayRow.progress).where(ReplayRow.id == identity))


async def request_text(session: AsyncSession, identity: str) -> str:
    """Return the request of a replay as JSON; with its bars it has up to 32 MB."""
    return (await session.execute(select(ReplayRow.request).where(ReplayRow.id == identity))).scalar_one()


async def accounts(session: AsyncSession, identity: str) -> list[tuple[str, str]]:
    """Return account and symbol of each account of a replay, in the order of the request; none of an unknown replay."""
    # The database reads the request: with its bars it has up to 32 MB, and parsing it would block the event loop.
    elements = func.json_array_elements(cast(ReplayRow.request, JSON)["accounts"])
    item = elements.table_valued(
        column("value", JSON), with_ordinality="position", joins_implicitly=True
    ).render_derived()
    value = item.c.value
    statement = select(value["account"].as_string(), value["symbol"].as_string())
    statement = statement.select_from(ReplayRow, item).where(ReplayRow.id == identity).order_by(item.c.position)
    rows = await session.execute(statement)
    return [(account, symbol) for account, symbol in rows.all()]


async def advance(session: AsyncSession, identity: str, progress: ReplayProgress) -> bool:
    """Store the progress of a chunk; return False, storing nothing, unless the replay runs and is at its first step."""
    statement = (
        update(ReplayRow)
        .where(ReplayRow.id == identity, ReplayRow.status == "running", ReplayRow.steps_done == progress.first_step)
        .values(
            status="finished" if progress.finished else "running",
            steps_done=progress.steps_done,
            trades=ReplayRow.trades + progress.trades,
            progress=json.dumps(progress.progress),
        )
        .returning(ReplayRow.id)
    )
    if (await session.execute(statement)).one_or_none() is None:
        return False
    rows = [
        {
            "replay": identity,
            "account": part.account,
            "first_step": progress.first_step,
            "trades": json.dumps(part.trades),
            "equity": json.dumps(part.equity),
        }
        for part in progress.parts
    ]
    await session.execute(insert(ReplayPartRow), rows)
    return True


async def end(session: AsyncSession, identity: str, status: str, error: str | None = None) -> None:
    """Set the status of a running replay to `stopped` or `failed`."""
    statement = update(ReplayRow).where(ReplayRow.id == identity, ReplayRow.status == "running")
    await session.execute(statement.values(status=status, error=error))


async def parts(session: AsyncSession, identity: str) -> Mapping[str, tuple[str, str]]:
    """Return what each account did so far: the texts between the brackets of its lists of trades and of equity."""
    # The database joins the chunks: reading thousands of them here would block the event loop.
    content = [_joined(column) for column in (ReplayPartRow.trades, ReplayPartRow.equity)]
    statement = select(ReplayPartRow.account, *content).where(ReplayPartRow.replay == identity)
    rows = await session.execute(statement.group_by(ReplayPartRow.account))
    return {row[0]: (row[1] or "", row[2] or "") for row in rows.all()}


def _joined(column: InstrumentedAttribute[str]) -> Function[str]:
    inside = func.substr(column, 2, func.length(column) - 2)
    separator = aggregate_order_by(literal(", "), ReplayPartRow.first_step)
    return func.string_agg(func.nullif(inside, ""), separator)
