"""Does one job: takes it, runs it in a thread, tells how far it is, stores what came of it once."""

import asyncio
import threading
import traceback
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram

from seatrial_backtest import store
from seatrial_backtest.jobs.request import understand
from seatrial_backtest.store import JobAttempt, StoredBars
from seatrial_backtesting.data import serialization
from seatrial_backtesting.run import Progress, run
from seatrial_core import catalog
from seatrial_core.contracts.backtests import JobStatus
from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import SeatrialError
from seatrial_service import logs
from seatrial_service.db.session import Database
from seatrial_trading.quant.candles import Candles

LOOK_SECONDS = 0.25  # how often progress is stored and a wish to cancel is looked for
MAX_ERROR = 2_000


class JobCancelled(Exception):
    """The job shall stop: somebody cancelled it, or another attempt has begun."""


class JobWorker:
    """Runs jobs of this process.

    Args:
        database: Where jobs, bars and results are.
        clock: The only source of time.
        registry: The families of the process.
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
        """Run a job to its end; an error of the database is raised, so that the queue tries again."""
        async with self._database.transaction() as session:
            attempt = await store.take(session, job_id)
            if attempt is None:
                return
            stored = await store.bars(session, attempt.request.dataset)
            inside = attempt.request.finer_dataset
            finer = None if inside is None else await store.bars(session, inside)
        began = self._clock.monotonic()
        status = await self._attempt(attempt, stored, finer)
        self.seconds.observe(self._clock.monotonic() - began)
        self.jobs.labels(status).inc()
        logs.get().info("backtest_ended", job=job_id, status=status, attempt=attempt.number)

    async def _attempt(self, attempt: JobAttempt, stored: StoredBars, finer: StoredBars | None) -> JobStatus:
        try:
            sha256, document = await self._watched(attempt, stored, finer)
        except JobCancelled:
            return await self._end(attempt, JobStatus.CANCELLED)
        except SeatrialError as error:
            if error.status >= 500:
                raise
            return await self._end(attempt, JobStatus.FAILED, str(error))
        except (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError) as error:
            # What a strategy of an installed package may raise; it would raise again, so there is no second try.
            logs.get().error("backtest_raised", job=attempt.id, error=traceback.format_exc())
            return await self._end(attempt, JobStatus.FAILED, f"the strategy raised {error!r}"[:MAX_ERROR])
        async with self._database.transaction() as session:
            if await store.finish(session, attempt, JobStatus.SUCCEEDED, self._now()):
                await store.put_result(session, attempt.id, sha256, document, self._now())
        return JobStatus.SUCCEEDED

    async def _end(self, attempt: JobAttempt, status: JobStatus, error: str | None = None) -> JobStatus:
        async with self._database.transaction() as session:
            await store.finish(session, attempt, status, self._now(), error)
        return status

    async def _watched(self, attempt: JobAttempt, stored: StoredBars, finer: StoredBars | None) -> tuple[str, bytes]:
        """Run in a thread (the compiled parts let go of the interpreter) and watch from the loop."""
        stop = threading.Event()
        progress = [0.0]

        def report(ratio: float) -> None:
            progress[0] = ratio
            if stop.is_set():
                raise JobCancelled

        work = asyncio.create_task(asyncio.to_thread(_compute, attempt, stored, finer, report))
        try:
            while not (await asyncio.wait({work}, timeout=LOOK_SECONDS))[0]:
                if not stop.is_set() and not await self._goes_on(attempt, progress[0]):
                    stop.set()
            if stop.is_set():
                # A strategy that never looks up has run to its end; what it found is not wanted any more.
                work.exception()
                raise JobCancelled
            return work.result()
        except asyncio.CancelledError:
            stop.set()
            work.add_done_callback(lambda task: task.cancelled() or task.exception())
            raise

    async def _goes_on(self, attempt: JobAttempt, ratio: float) -> bool:
        async with self._database.transaction() as session:
            return await store.note_progress(session, attempt, ratio)

    def _now(self) -> datetime:
        return self._clock.now()


def _compute(attempt: JobAttempt, stored: StoredBars, finer: StoredBars | None, report: Progress) -> tuple[str, bytes]:
    candles = _unpack(stored)
    order = understand(attempt.request)
    document = run(
        candles,
        order.choice,
        order.settling,
        data_quality=stored.data_quality,
        data_sha256=attempt.request.dataset,
        finer=None if finer is None else _unpack(finer),
        finer_quality=None if finer is None else finer.data_quality,
        report=report,
    )
    return str(document["manifest"]["sha256"]), serialization.zipped(document)


def _unpack(stored: StoredBars) -> Candles:
    return serialization.unpack(stored.content, stored.symbol, stored.interval_ms, stored.bars)
