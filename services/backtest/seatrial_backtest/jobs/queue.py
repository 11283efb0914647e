"""The job queue: procrastinate over our database, its tables in our schema."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job, Status
from procrastinate.worker import Worker
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.errors import DatabaseUnreachable

QUEUE = "backtests"
TASK = "run_backtest"
INFRASTRUCTURE_RETRIES = 5  # of a job that the database, not the strategy, ended
BEATS_BEFORE_STALLED = 4
MAX_STOP_SECONDS = 5.0

Run = Callable[[str], Awaitable[None]]


class JobQueue:
    """Hands jobs to whichever worker is free; a job that was handed out is not lost when its worker dies.

    Args:
        url: A plain postgresql:// address, not through a pooler.
        run: Does one job.
        stalled_seconds: How long a worker may be silent before it counts as dead.
    """

    def __init__(self, url: str, run: Run, stalled_seconds: float) -> None:
        self._stalled_seconds = stalled_seconds
        options = "-c search_path=backtest -c timezone=UTC"
        connector = procrastinate.PsycopgConnector(
            conninfo=url, kwargs={"options": options, "connect_timeout": 5}, min_size=1, max_size=4
        )
        self.app = procrastinate.App(connector=connector)

        @self.app.task(
            name=TASK,
            queue=QUEUE,
            retry=procrastinate.RetryStrategy(max_attempts=INFRASTRUCTURE_RETRIES, wait=2),
        )
        async def run_backtest(job: str) -> None:
            await run(job)

        self._task = run_backtest
        self._worker: Worker | None = None

    async def put(self, session: AsyncSession, job_id: str) -> None:
        """Queue a job in the caller's transaction; one that waits already is queued once."""
        await session.execute(text("SET LOCAL search_path TO backtest"))
        raw = await (await session.connection()).get_raw_connection()
        deferrer = self._task.configure(queueing_lock=job_id, connection=raw.driver_connection)
        with suppress(AlreadyEnqueued):
            async with session.begin_nested():
                await deferrer.defer_async(job=job_id)

    async def work(self, concurrency: int) -> None:
        """Work on jobs until `stop`; what runs then is given a moment to end, else to another worker."""
        self._worker = Worker(
            self.app,
            queues=[QUEUE],
            name="backtest",
            concurrency=concurrency,
            install_signal_handlers=False,
            fetch_job_polling_interval=1.0,
            shutdown_graceful_timeout=MAX_STOP_SECONDS,
            update_heartbeat_interval=self._stalled_seconds / BEATS_BEFORE_STALLED,
            stalled_worker_timeout=self._stalled_seconds,
            delete_jobs="successful",
        )
        await self._worker.run()  # type: ignore[no-untyped-call]  # the library leaves it untyped

    def stop(self) -> None:
        """Let the worker end. (Cancelling it instead could break off a query halfway.)"""
        if self._worker is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]  # the library leaves it untyped

    async def stalled(self) -> list[Job]:
        """Return the jobs whose worker has been silent too long."""
        found = await self.app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=self._stalled_seconds)
        return list(found)

    async def again(self, job: Job) -> None:
        """Give a stalled job to another worker."""
        await self.app.job_manager.retry_job(job)

    async def drop(self, job: Job) -> None:
        """Take a stalled job off the queue."""
        await self.app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)

    async def open(self) -> None:
        """Connect."""
        try:
            await self.app.open_async()
        except procrastinate.exceptions.ConnectorException as error:
            raise DatabaseUnreachable("the database does not answer; check SEATRIAL_DATABASE_URL") from error

    async def close(self) -> None:
        """Disconnect."""
        await self.app.close_async()
