"""All SQL of the stress service."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.stress import StressPlan, StressReport
from seatrial_service.db.stress import RunRow

EndStatus = Literal["finished", "cancelled", "failed"]


async def add(session: AsyncSession, identity: str, plan: StressPlan, target: str, origin: str, now: datetime) -> None:
    """Insert a run that has started."""
    values = {
        "id": identity,
        "plan": plan.model_dump(mode="json"),
        "target": target,
        "origin": origin,
        "status": "running",
        "progress_ratio": 0.0,
        "created_at": now,
    }
    await session.execute(insert(RunRow).values(**values))


async def finish(session: AsyncSession, identity: str, report: StressReport, now: datetime) -> None:
    """Store the report of a finished run."""
    await session.execute(
        update(RunRow)
        .where(RunRow.id == identity)
        .values(
            status="finished",
            progress_ratio=1.0,
            verdict=report.verdict.value,
            report=report.model_dump(mode="json", by_alias=True),
            finished_at=now,
        )
    )


async def end(session: AsyncSession, identity: str, status: EndStatus, error: str, now: datetime) -> None:
    """Store the end of a run without a report; a run that is over stays as it is."""
    await session.execute(
        update(RunRow)
        .where(RunRow.id == identity, RunRow.status == "running")
        .values(status=status, error=error, finished_at=now)
    )


async def end_interrupted(session: AsyncSession, now: datetime) -> None:
    """Mark runs of an earlier process as failed and INVALID."""
    await session.execute(
        update(RunRow)
        .where(RunRow.status == "running")
        .values(status="failed", verdict="INVALID", error="the service ended during the run", finished_at=now)
    )


async def find(session: AsyncSession, identity: str) -> RunRow | None:
    """Return one run, or None."""
    return await session.get(RunRow, identity)


async def page(session: AsyncSession, before: tuple[datetime, str] | None, limit: int) -> Sequence[RunRow]:
    """Return up to `limit` runs, newest first, after the run with the creation time and id in `before`."""
    query = select(RunRow).order_by(RunRow.created_at.desc(), RunRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(tuple_(RunRow.created_at, RunRow.id) < before)
    return (await session.execute(query)).scalars().all()
