"""The parts of the running service, and their life from start to stop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from procrastinate.exceptions import ProcrastinateException
from prometheus_client import CollectorRegistry

from seatrial_backtest import store
from seatrial_backtest.jobs.queue import JobQueue
from seatrial_backtest.jobs.reaper import JobReaper
from seatrial_backtest.jobs.request import check_sub_bars, job_id_of, resolve_request
from seatrial_backtest.jobs.worker import JobWorker
from seatrial_backtest.settings import BacktestSettings
from seatrial_backtesting.data import serialization
from seatrial_backtesting.data.loader import LoadedBars
from seatrial_backtesting.result.manifest import data_sha256
from seatrial_core.contracts.backtests import BacktestJob, BacktestRequest, DatasetInfo
from seatrial_core.contracts.clock import Clock
from seatrial_service import logs
from seatrial_service.db.session import Database
from seatrial_service.db.upgrade import head

POOL_SIZE = 5
RESTART_SECONDS = 1.0


class BacktestService:
    """Everything the routes call.

    Args:
        settings: What is set.
        clock: The only source of time.
        registry: The families of the process.
    """

    def __init__(self, settings: BacktestSettings, clock: Clock, registry: CollectorRegistry) -> None:
        self.clock = clock
        self.database = Database(settings.database_url, pool_size=POOL_SIZE, application="seatrial-backtest")
        self.runner = JobWorker(self.database, clock, registry)
        self.queue = JobQueue(settings.direct_url, self.runner.run, settings.stalled_seconds)
        self.reaper = JobReaper(self.database, self.queue, clock, settings.stalled_seconds, settings.most_attempts)
        self._workers = settings.workers

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run worker and reaper; at the end stop them and close what is open."""
        await self.queue.open()
        stop = asyncio.Event()
        tasks = [asyncio.create_task(self._work(stop)), asyncio.create_task(self.reaper.run(stop))]
        try:
            yield
        finally:
            stop.set()
            self.queue.stop()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.queue.close()
            await self.database.close()

    async def ready(self) -> None:
        """Raise unless the database answers and its schema is the one this program needs."""
        await self.database.require_head(head())

    async def store_bars(self, loaded: LoadedBars) -> DatasetInfo:
        """Store bars and return what is known of them; the same bars are stored once."""
        candles = loaded.candles
        dataset_id, content = await asyncio.to_thread(
            lambda: (data_sha256(candles), serialization.pack_candles(candles))
        )
        row = {
            "id": dataset_id,
            "symbol": candles.symbol,
            "bars": len(candles),
            "interval_ms": candles.interval_ms,
            "first_at": serialization.to_datetime(int(candles.time_ms[0])),
            "last_at": serialization.to_datetime(int(candles.time_ms[-1])),
            "data_quality": dict(loaded.data_quality),
            "content": content,
            "created_at": self.clock.now(),
        }
        async with self.database.transaction() as session:
            return await store.put_dataset(session, row)

    async def submit(self, request: BacktestRequest) -> BacktestJob:
        """Enter a job and queue it in one transaction; an identical one that is under way or done is that one."""
        resolved = resolve_request(request)
        async with self.database.transaction() as session:
            data, sub_bars = await store.dataset(session, request.dataset), None
            if request.finer_dataset is not None:
                sub_bars = await store.dataset(session, request.finer_dataset)
                check_sub_bars(data, sub_bars)
            job_id = job_id_of(resolved, data, sub_bars)
            if await store.put_job(session, job_id, request, self.clock.now()):
                await self.queue.put(session, job_id)
            return await store.job(session, job_id)

    async def _work(self, stop: asyncio.Event) -> None:
        # The library's worker ends when it loses the database; jobs that it left are found by the reaper.
        while not stop.is_set():
            try:
                await self.queue.work(self._workers)
            except ProcrastinateException as error:
                logs.get().warning("backtest_worker_restarts", error=repr(error))
            except Exception as error:  # noqa: BLE001  # the loop that must survive a bad tick
                logs.get().error("backtest_worker_failed", exc_info=error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RESTART_SECONDS):
                    await stop.wait()
