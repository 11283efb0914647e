"""Finds jobs whose worker is gone and gives them to another, a limited number of times."""

import asyncio
import contextlib
from datetime import timedelta

from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_backtest import store
from seatrial_backtest.jobs.queue import JobQueue
from seatrial_core.contracts.backtests import JobStatus
from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import SeatrialError
from seatrial_service import logs
from seatrial_service.db.session import Database

LOOKS_PER_TIMEOUT = 2


class JobReaper:
    """Looks again and again for what was left behind; any number of replicas may do so at once.

    Args:
        database: Where the jobs are.
        queue: Where they wait.
        clock: The only source of time.
        stalled_seconds: How long a worker may be silent, and a job be without an entry in the queue.
        most_attempts: How often a job is begun before it is given up.
    """

    def __init__(
        self, database: Database, queue: JobQueue, clock: Clock, stalled_seconds: float, most_attempts: int
    ) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock
        self._stalled_seconds = stalled_seconds
        self._most_attempts = most_attempts

    async def run(self, stop: asyncio.Event) -> None:
        """Look until asked to stop, always between two looks, so that no connection is left behind."""
        while not stop.is_set():
            try:
                await self.look()
            except (SeatrialError, ConnectorException) as error:
                logs.get().warning("reaper_waits", error=str(error))
            except Exception as error:  # noqa: BLE001  # the loop that must survive a bad tick
                logs.get().error("reaper_failed", exc_info=error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._stalled_seconds / LOOKS_PER_TIMEOUT):
                    await stop.wait()

    async def look(self) -> None:
        """Settle every stalled job, then queue again what no entry of the queue stands for."""
        for entry in await self._queue.stalled():
            await self._settle(entry)
        before = self._clock.now() - timedelta(seconds=self._stalled_seconds)
        async with self._database.transaction() as session:
            forgotten = await store.forgotten(session, before)
        for job_id in forgotten:
            async with self._database.transaction() as session:
                if await self._given_up(session, job_id) is JobStatus.QUEUED:
                    await self._queue.put(session, job_id)

    async def _settle(self, entry: Job) -> None:
        job_id = str(entry.task_kwargs["job"])
        async with self._database.transaction() as session:
            status = await self._given_up(session, job_id)
        logs.get().warning("backtest_worker_lost", job=job_id, now=status)
        try:
            if status is JobStatus.QUEUED:
                await self._queue.again(entry)
            else:
                await self._queue.drop(entry)
        except ConnectorException:
            logs.get().info("backtest_reaped_elsewhere", job=job_id)

    async def _given_up(self, session: AsyncSession, job_id: str) -> JobStatus | None:
        return await store.give_up(session, job_id, self._most_attempts, self._clock.now())
