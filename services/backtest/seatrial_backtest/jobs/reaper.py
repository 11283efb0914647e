"""Recovers jobs whose worker died: they are queued again, up to a maximum number of attempts."""

from datetime import timedelta

from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job

from seatrial_backtest import store
from seatrial_backtest.jobs.queue import JobQueue
from seatrial_backtest.jobs.recovery import decide_recovery
from seatrial_core.contracts.backtests import JobStatus
from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import SeatrialError
from seatrial_service import logs
from seatrial_service.db.session import AsyncSession, Database
from seatrial_service.loops import BackgroundLoop, LoopSchedule

CHECKS_PER_TIMEOUT = 2


class JobReaper:
    """Recovers jobs without a worker; any number of replicas may do so at the same time.

    Args:
        database: Database of the jobs.
        queue: The job queue.
        clock: Source of time.
        stalled_seconds: How long a worker may send no heartbeat, and a job have no entry in the queue.
        max_attempts: How many attempts a job has.
    """

    def __init__(
        self, database: Database, queue: JobQueue, clock: Clock, stalled_seconds: float, max_attempts: int
    ) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock
        self._stalled_seconds = stalled_seconds
        self._max_attempts = max_attempts

    def loop(self) -> BackgroundLoop:
        """Return the loop that recovers jobs twice per `stalled_seconds`."""
        schedule = LoopSchedule(self._stalled_seconds / CHECKS_PER_TIMEOUT)
        return BackgroundLoop("job_reaper", self.recover, schedule, expected=(SeatrialError, ConnectorException))

    async def recover(self) -> None:
        """Requeue or end every stalled job, then every unfinished job without an entry in the queue."""
        for entry in await self._queue.stalled():
            await self._recover_stalled(entry)
        before = self._clock.now() - timedelta(seconds=self._stalled_seconds)
        async with self._database.transaction() as session:
            orphaned = await store.orphaned_jobs(session, before)
        for job_id in orphaned:
            async with self._database.transaction() as session:
                if await self._recover(session, job_id) is JobStatus.QUEUED:
                    await self._queue.put(session, job_id)

    async def _recover_stalled(self, entry: Job) -> None:
        job_id = str(entry.task_kwargs["job"])
        async with self._database.transaction() as session:
            status = await self._recover(session, job_id)
        logs.get().warning("backtest_worker_lost", job=job_id, now=status)
        try:
            if status is JobStatus.QUEUED:
                await self._queue.retry(entry)
            else:
                await self._queue.remove(entry)
        except ConnectorException:
            # Another replica has recovered it at the same time.
            logs.get().info("backtest_recovered_elsewhere", job=job_id)

    async def _recover(self, session: AsyncSession, job_id: str) -> JobStatus | None:
        job = await store.lock_unfinished(session, job_id)
        if job is None:
            return None
        decision = decide_recovery(job.attempts, job.cancel_requested, self._max_attempts)
        if decision.status is JobStatus.QUEUED:
            await store.requeue(session, job_id, self._clock.now())
        else:
            await store.end_job(session, job_id, decision.status, self._clock.now(), decision.error)
        return decision.status
