"""The job queue: procrastinate with its tables in the schema of the service."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued, ProcrastinateException
from procrastinate.jobs import Job, Status
from procrastinate.worker import Worker
from sqlalchemy import text

from seatrial_core.errors import DatabaseUnreachable, Unavailable
from seatrial_service.db.session import AsyncSession
from seatrial_service.loops import BackgroundLoop, LoopSchedule

QUEUE = "backtests"
TASK = "run_backtest"
DATABASE_RETRIES = 5  # of a job that ended with a database error
HEARTBEATS_PER_TIMEOUT = 4
STOP_TIMEOUT_SECONDS = 5.0
RESTART_SECONDS = 1.0

Run = Callable[[str], Awaitable[None]]


class JobQueue:
    """Distributes jobs among workers; the job of a worker that dies is not lost.

    Args:
        url: A postgresql:// URL that does not go through a connection pooler.
        run: Runs one job.
        stalled_seconds: How long a worker may send no heartbeat before it counts as dead.
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
            retry=procrastinate.RetryStrategy(max_attempts=DATABASE_RETRIES, wait=2),
        )
        async def run_backtest(job: str) -> None:
            await run(job)

        self._task = run_backtest
        self._worker: Worker | None = None

    async def put(self, session: AsyncSession, job_id: str) -> None:
        """Queue a job in the caller's transaction, unless it is queued already."""
        await session.execute(text("SET LOCAL search_path TO backtest"))
        raw = await (await session.connection()).get_raw_connection()
        deferrer = self._task.configure(queueing_lock=job_id, connection=raw.driver_connection)
        with suppress(AlreadyEnqueued):
            async with session.begin_nested():
                await deferrer.defer_async(job=job_id)

    def loop(self, concurrency: int) -> BackgroundLoop:
        """Return the loop that runs jobs.

        The library's worker ends when it loses the database; the loop starts it again.

        Args:
            concurrency: How many jobs run at the same time.
        """
        return BackgroundLoop(
            "job_worker",
            partial(self._work, concurrency),
            LoopSchedule(RESTART_SECONDS),
            expected=(Unavailable, ProcrastinateException),
            on_stop=self._stop_worker,
        )

    async def stalled(self) -> list[Job]:
        """Return the jobs whose worker has sent no heartbeat for too long."""
        jobs = await self.app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=self._stalled_seconds)
        return list(jobs)

    async def retry(self, job: Job) -> None:
        """Return a stalled job to the queue."""
        await self.app.job_manager.retry_job(job)

    async def remove(self, job: Job) -> None:
        """Remove a stalled job from the queue."""
        await self.app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)

    async def open(self) -> None:
        """Connect.

        Raises:
            DatabaseUnreachable: The database does not answer.
        """
        try:
            await self.app.open_async()
        except procrastinate.exceptions.ConnectorException as error:
            raise DatabaseUnreachable("the database does not answer; check SEATRIAL_DATABASE_URL") from error

    async def close(self) -> None:
        """Disconnect."""
        await self.app.close_async()

    async def _work(self, concurrency: int) -> None:
        # Jobs that run when the worker is stopped have some seconds to end; after that the reaper requeues them.
        self._worker = Worker(
            self.app,
            queues=[QUEUE],
            name="backtest",
            concurrency=concurrency,
            install_signal_handlers=False,
            fetch_job_polling_interval=1.0,
            shutdown_graceful_timeout=STOP_TIMEOUT_SECONDS,
            update_heartbeat_interval=self._stalled_seconds / HEARTBEATS_PER_TIMEOUT,
            stalled_worker_timeout=self._stalled_seconds,
            delete_jobs="successful",
        )
        await self._worker.run()  # type: ignore[no-untyped-call]  # the library leaves it untyped

    def _stop_worker(self) -> None:
        # Cancelling the worker instead could interrupt a query.
        if self._worker is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]  # the library leaves it untyped
