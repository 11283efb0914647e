"""Runs jobs: takes one, computes it in a thread, stores its progress, and stores its result once."""

import asyncio
import threading
import traceback
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram

from seatrial_backtest import store
from seatrial_backtest.jobs.request import resolve_request
from seatrial_backtest.store import JobAttempt, StoredBars
from seatrial_backtesting.data import serialization
from seatrial_backtesting.run import ReportProgress, run
from seatrial_core import catalog
from seatrial_core.contracts.backtests import JobStatus
from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import SeatrialError
from seatrial_service import logs
from seatrial_service.db.session import Database
from seatrial_trading.quant.candles import Candles

POLL_SECONDS = 0.25  # how often progress is stored and cancellation is checked
MAX_ERROR_LENGTH = 2_000


class JobCancelled(Exception):
    """The job was cancelled, or another attempt at it has begun."""


class JobWorker:
    """Runs the jobs of this process.

    Args:
        database: Database of jobs, bars and results.
        clock: Source of time.
        registry: Prometheus registry of the process.
    """

    def __init__(self, database: Database, clock: Clock, registry: CollectorRegistry) -> None:
        self._database = database
        self._clock = clock
        jobs, seconds = catalog.BACKTEST_JOBS, catalog.BACKTEST_SECONDS
        self.jobs = Counter(jobs.name.removesuffix("_total"), jobs.help, jobs.labels, registry=registry)
        self.seconds = Histogram(seconds.name, seconds.help, registry=registry)
        for status in (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED):
            self.jobs.labels(status)

    async def run(self, job_id: str) -> None:
        """Run a job to its end; database errors are raised, so that the queue retries the job."""
        async with self._database.transaction() as session:
            attempt = await store.take(session, job_id)
            if attempt is None:
                return
            stored = await store.bars(session, attempt.request.dataset)
            finer_id = attempt.request.finer_dataset
            sub_bars = None if finer_id is None else await store.bars(session, finer_id)
        began = self._clock.monotonic()
        status = await self._run_attempt(attempt, stored, sub_bars)
        self.seconds.observe(self._clock.monotonic() - began)
        self.jobs.labels(status).inc()
        logs.get().info("backtest_ended", job=job_id, status=status, attempt=attempt.number)

    async def _run_attempt(self, attempt: JobAttempt, stored: StoredBars, sub_bars: StoredBars | None) -> JobStatus:
        try:
            sha256, document = await self._compute_in_thread(attempt, stored, sub_bars)
        except JobCancelled:
            return await self._finish(attempt, JobStatus.CANCELLED)
        except SeatrialError as error:
            if error.status >= 500:
                raise
            return await self._finish(attempt, JobStatus.FAILED, str(error))
        except (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError) as error:
            # A strategy of an installed package may raise these; a retry would raise again.
            logs.get().error("backtest_raised", job=attempt.id, error=traceback.format_exc())
            return await self._finish(attempt, JobStatus.FAILED, f"the strategy raised {error!r}"[:MAX_ERROR_LENGTH])
        async with self._database.transaction() as session:
            if await store.finish(session, attempt, JobStatus.SUCCEEDED, self._now()):
                await store.put_result(session, attempt.id, sha256, document, self._now())
        return JobStatus.SUCCEEDED

    async def _finish(self, attempt: JobAttempt, status: JobStatus, error: str | None = None) -> JobStatus:
        async with self._database.transaction() as session:
            await store.finish(session, attempt, status, self._now(), error)
        return status

    async def _compute_in_thread(
        self, attempt: JobAttempt, stored: StoredBars, sub_bars: StoredBars | None
    ) -> tuple[str, bytes]:
        # The compiled code releases the GIL, so that the event loop stays responsive.
        stop = threading.Event()
        progress = [0.0]

        def report_progress(ratio: float) -> None:
            progress[0] = ratio
            if stop.is_set():
                raise JobCancelled

        work = asyncio.create_task(asyncio.to_thread(_compute, attempt, stored, sub_bars, report_progress))
        try:
            while not (await asyncio.wait({work}, timeout=POLL_SECONDS))[0]:
                if not stop.is_set() and not await self._store_progress(attempt, progress[0]):
                    stop.set()
            if stop.is_set():
                # The strategy ended before it checked for cancellation; its result is discarded.
                work.exception()
                raise JobCancelled
            return work.result()
        except asyncio.CancelledError:
            stop.set()
            work.add_done_callback(lambda task: task.cancelled() or task.exception())
            raise

    async def _store_progress(self, attempt: JobAttempt, ratio: float) -> bool:
        async with self._database.transaction() as session:
            return await store.update_progress(session, attempt, ratio)

    def _now(self) -> datetime:
        return self._clock.now()


def _compute(
    attempt: JobAttempt, stored: StoredBars, sub_bars: StoredBars | None, report_progress: ReportProgress
) -> tuple[str, bytes]:
    candles = _unpack(stored)
    resolved = resolve_request(attempt.request)
    document = run(
        candles,
        resolved.strategy,
        resolved.settings,
        data_quality=stored.data_quality,
        data_sha256=attempt.request.dataset,
        sub_bars=None if sub_bars is None else _unpack(sub_bars),
        sub_bars_quality=None if sub_bars is None else sub_bars.data_quality,
        report_progress=report_progress,
    )
    return str(document["manifest"]["sha256"]), serialization.compress_document(document)


def _unpack(stored: StoredBars) -> Candles:
    return serialization.unpack_candles(stored.content, stored.symbol, stored.interval_ms, stored.bars)
