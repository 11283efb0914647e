"""SQL of the backtest service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.backtests import BacktestJob, BacktestRequest, DatasetInfo, JobStatus
from seatrial_core.errors import NotFound, TooManyRequests
from seatrial_service.db.backtest import DatasetRow, JobRow, ResultRow

UNFINISHED = (JobStatus.QUEUED, JobStatus.RUNNING)


@dataclass(frozen=True)
class StoredBars:
    """The stored bars of a dataset; `content` is packed by `serialization.pack_candles`."""

    symbol: str
    bars: int
    interval_ms: int
    content: bytes
    data_quality: dict[str, Any]  # Any: JSON


@dataclass(frozen=True)
class JobAttempt:
    """A job that a worker has taken, and the number of the attempt; a later attempt supersedes this one."""

    id: str
    number: int
    request: BacktestRequest


@dataclass(frozen=True)
class UnfinishedJob:
    """How many attempts at a job have begun, and whether its cancellation is requested."""

    attempts: int
    cancel_requested: bool


async def put_dataset(session: AsyncSession, row: dict[str, Any]) -> DatasetInfo:  # Any: columns of many types
    """Store a dataset if it is new, and return it."""
    await session.execute(upsert(DatasetRow).values(**row).on_conflict_do_nothing())
    return await dataset(session, row["id"])


async def dataset(session: AsyncSession, dataset_id: str) -> DatasetInfo:
    """Return a dataset without its bars.

    Raises:
        NotFound: There is no such dataset.
    """
    row = (await session.execute(_infos().where(DatasetRow.id == dataset_id))).one_or_none()
    if row is None:
        raise NotFound(f"there is no dataset {dataset_id}; POST /v1/datasets stores one, GET /v1/datasets lists them")
    return _info(row)


async def datasets(session: AsyncSession, limit: int, cursor: str | None) -> list[DatasetInfo]:
    """Return datasets, newest first, after the one with the id `cursor`."""
    query = _infos().order_by(DatasetRow.created_at.desc(), DatasetRow.id.desc()).limit(limit)
    if cursor is not None:
        place = select(DatasetRow.created_at, DatasetRow.id).where(DatasetRow.id == cursor)
        query = query.where(tuple_(DatasetRow.created_at, DatasetRow.id) < place.scalar_subquery())
    return [_info(row) for row in await session.execute(query)]


async def bars(session: AsyncSession, dataset_id: str) -> StoredBars:
    """Return the bars of a dataset."""
    row = (await session.execute(select(DatasetRow).where(DatasetRow.id == dataset_id))).scalar_one()
    return StoredBars(row.symbol, row.bars, row.interval_ms, row.content, row.data_quality)


async def put_job(session: AsyncSession, job_id: str, request: BacktestRequest, now: datetime) -> bool:
    """Store a job, or reset one that failed or was cancelled; return whether it has to be queued."""
    inserted = await session.execute(
        upsert(JobRow)
        .values(
            id=job_id,
            dataset_id=request.dataset,
            request=request.model_dump(mode="json", exclude_unset=True),
            status=JobStatus.QUEUED,
            created_at=now,
            queued_at=now,
        )
        .on_conflict_do_update(
            index_elements=["id"],
            set_={
                "status": JobStatus.QUEUED,
                "progress_ratio": 0.0,
                "attempts": 0,
                "cancel_requested": False,
                "error": None,
                "queued_at": now,
                "finished_at": None,
            },
            where=JobRow.status.in_([JobStatus.FAILED, JobStatus.CANCELLED]),
        )
        .returning(JobRow.id)
    )
    return inserted.scalar_one_or_none() is not None


async def require_queue_room(session: AsyncSession, limit: int) -> None:
    """Refuse more waiting jobs than `limit`, counting the one that this transaction added.

    Raises:
        TooManyRequests: More jobs are waiting.
    """
    waiting = select(func.count()).select_from(JobRow).where(JobRow.status == JobStatus.QUEUED)
    if (await session.scalar(waiting) or 0) > limit:
        raise TooManyRequests(f"{limit} backtests are waiting, the most there may be; send this one again later")


async def job(session: AsyncSession, job_id: str) -> BacktestJob:
    """Return a job.

    Raises:
        NotFound: There is no such job.
    """
    row = (await session.execute(select(JobRow).where(JobRow.id == job_id))).scalar_one_or_none()
    if row is None:
        raise NotFound(f"there is no backtest {job_id}; POST /v1/backtests starts one, GET /v1/backtests lists them")
    return _job(row)


async def jobs(session: AsyncSession, limit: int, cursor: str | None, status: JobStatus | None) -> list[BacktestJob]:
    """Return jobs, newest first, after the one with the id `cursor`."""
    query = select(JobRow).order_by(JobRow.created_at.desc(), JobRow.id.desc()).limit(limit)
    if status is not None:
        query = query.where(JobRow.status == status)
    if cursor is not None:
        place = select(JobRow.created_at, JobRow.id).where(JobRow.id == cursor)
        query = query.where(tuple_(JobRow.created_at, JobRow.id) < place.scalar_subquery())
    return [_job(row) for row in (await session.execute(query)).scalars()]


async def result(session: AsyncSession, job_id: str) -> bytes | None:
    """Return the result document of a job as gzip JSON, None if there is none yet."""
    documents = await session.execute(select(ResultRow.document).where(ResultRow.job_id == job_id))
    return documents.scalar_one_or_none()


async def take(session: AsyncSession, job_id: str) -> JobAttempt | None:
    """Begin an attempt at a job; None if it is finished or cancelled."""
    row = (
        await session.execute(
            update(JobRow)
            .where(JobRow.id == job_id, JobRow.status.in_(UNFINISHED), JobRow.cancel_requested.is_(False))
            .values(status=JobStatus.RUNNING, attempts=JobRow.attempts + 1, progress_ratio=0.0)
            .returning(JobRow.attempts, JobRow.request)
        )
    ).one_or_none()
    return None if row is None else JobAttempt(job_id, row.attempts, BacktestRequest.model_validate(row.request))


async def update_progress(session: AsyncSession, attempt: JobAttempt, ratio: float) -> bool:
    """Store the progress of an attempt (0 to 1); return whether it may continue."""
    cancelled = await session.execute(_own(attempt).values(progress_ratio=ratio).returning(JobRow.cancel_requested))
    return cancelled.scalar_one_or_none() is False


async def finish(
    session: AsyncSession, attempt: JobAttempt, status: JobStatus, now: datetime, error: str | None = None
) -> bool:
    """End an attempt; return False if a later one has superseded it."""
    ended = await session.execute(
        _own(attempt)
        .values(
            status=status, error=error, finished_at=now, progress_ratio=1.0 if error is None else JobRow.progress_ratio
        )
        .returning(JobRow.id)
    )
    return ended.scalar_one_or_none() is not None


async def put_result(session: AsyncSession, job_id: str, sha256: str, document: bytes, now: datetime) -> None:
    """Store the result document of a job, unless it has one."""
    values = {"job_id": job_id, "sha256": sha256, "document": document, "created_at": now}
    await session.execute(upsert(ResultRow).values(**values).on_conflict_do_nothing())


async def cancel(session: AsyncSession, job_id: str, now: datetime) -> BacktestJob:
    """Cancel a queued job, request a running one to stop, and return the job."""
    await session.execute(
        update(JobRow)
        .where(JobRow.id == job_id, JobRow.status == JobStatus.QUEUED)
        .values(status=JobStatus.CANCELLED, finished_at=now)
    )
    await session.execute(
        update(JobRow).where(JobRow.id == job_id, JobRow.status == JobStatus.RUNNING).values(cancel_requested=True)
    )
    return await job(session, job_id)


async def lock_unfinished(session: AsyncSession, job_id: str) -> UnfinishedJob | None:
    """Lock a queued or running job until the transaction ends; None if it is finished."""
    row = (
        await session.execute(
            select(JobRow.attempts, JobRow.cancel_requested)
            .where(JobRow.id == job_id, JobRow.status.in_(UNFINISHED))
            .with_for_update()
        )
    ).one_or_none()
    return None if row is None else UnfinishedJob(row.attempts, row.cancel_requested)


async def requeue(session: AsyncSession, job_id: str, now: datetime) -> None:
    """Mark a job as queued again."""
    await session.execute(update(JobRow).where(JobRow.id == job_id).values(status=JobStatus.QUEUED, queued_at=now))


async def end_job(session: AsyncSession, job_id: str, status: JobStatus, now: datetime, error: str | None) -> None:
    """End a job that has no worker."""
    await session.execute(update(JobRow).where(JobRow.id == job_id).values(status=status, finished_at=now, error=error))


async def orphaned_jobs(session: AsyncSession, before: datetime) -> Sequence[str]:
    """Return the ids of unfinished jobs without an entry in the queue, at most 100."""
    job_ids = await session.execute(
        text(
            """
            SELECT j.id FROM backtest.jobs j
            WHERE j.status IN ('queued', 'running') AND j.queued_at < :before
              AND NOT EXISTS (
                  SELECT 1 FROM backtest.procrastinate_jobs q
                  WHERE q.args ->> 'job' = j.id AND q.status IN ('todo', 'doing'))
            LIMIT 100
            """
        ),
        {"before": before},
    )
    return list(job_ids.scalars())


def _own(attempt: JobAttempt) -> Any:  # Any: SQLAlchemy's Update of JobRow
    return update(JobRow).where(
        JobRow.id == attempt.id, JobRow.status == JobStatus.RUNNING, JobRow.attempts == attempt.number
    )


def _infos() -> Any:  # Any: a Select of seven columns
    return select(
        DatasetRow.id,
        DatasetRow.symbol,
        DatasetRow.bars,
        DatasetRow.interval_ms,
        DatasetRow.first_at,
        DatasetRow.last_at,
        DatasetRow.data_quality,
    )


def _info(row: Any) -> DatasetInfo:  # Any: a row of _infos
    return DatasetInfo.model_validate(row._mapping)


def _job(row: JobRow) -> BacktestJob:
    return BacktestJob(
        id=row.id,
        status=JobStatus(row.status),
        progress_ratio=row.progress_ratio,
        request=BacktestRequest.model_validate(row.request),
        error=row.error,
        created_at=row.created_at,
        finished_at=row.finished_at,
        attempts=row.attempts,
    )
