"""Builds the parts of the service, runs them, and implements what the routes call."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from seatrial_backtest import store
from seatrial_backtest.jobs.queue import JobQueue
from seatrial_backtest.jobs.reaper import JobReaper
from seatrial_backtest.jobs.request import check_sub_bars, job_id_of, resolve_request
from seatrial_backtest.jobs.worker import JobWorker
from seatrial_backtest.settings import BacktestSettings
from seatrial_backtest.uploads import ReadDataset
from seatrial_core.contracts.backtests import BacktestJob, BacktestRequest, DatasetInfo
from seatrial_core.contracts.clock import Clock
from seatrial_core.timestamps import from_epoch_ms
from seatrial_service import loops
from seatrial_service.db.session import Database
from seatrial_service.db.upgrade import head
from seatrial_service.parsing.bodies import BodyReader
from seatrial_service.parsing.pool import ParserPool
from seatrial_service.parsing.spool import BodySpool

POOL_SIZE = 5


class BacktestService:
    """Stores datasets and submits jobs, and runs the worker and the reaper.

    Args:
        settings: Settings of the service.
        clock: Source of time.
        registry: Prometheus registry of the process.
    """

    def __init__(self, settings: BacktestSettings, clock: Clock, registry: CollectorRegistry) -> None:
        self.clock = clock
        self.database = Database(settings.database_url, pool_size=POOL_SIZE, application="seatrial-backtest")
        limits = settings.parser_limits
        self._parsers = ParserPool(limits, ["seatrial_backtest.uploads"])
        self.bodies = BodyReader(BodySpool(limits.spool_bytes), self._parsers)
        self.max_rows = settings.max_rows
        worker = JobWorker(self.database, clock, registry)
        self.queue = JobQueue(settings.direct_url, worker.run, settings.stalled_seconds)
        self.reaper = JobReaper(self.database, self.queue, clock, settings.stalled_seconds, settings.most_attempts)
        self._max_queued = settings.max_queued
        self._concurrency = settings.workers
        self._registry = registry

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run worker and reaper while the block lasts, then close the queue and the database."""
        await self.queue.open()
        try:
            background = [self.queue.loop(self._concurrency), self.reaper.loop()]
            async with self._parsers.running(), loops.running(background, self._registry):
                yield
        finally:
            await self.queue.close()
            await self.database.close()

    async def ready(self) -> None:
        """Raise unless the database answers and has the schema that this version needs."""
        await self.database.require_head(head())

    async def store_dataset(self, dataset: ReadDataset) -> DatasetInfo:
        """Store bars, unless the same bars are stored already, and return their dataset."""
        row = {
            "id": dataset.id,
            "symbol": dataset.symbol,
            "bars": dataset.bars,
            "interval_ms": dataset.interval_ms,
            "first_at": from_epoch_ms(dataset.first_ms),
            "last_at": from_epoch_ms(dataset.last_ms),
            "data_quality": dataset.data_quality,
            "content": dataset.content,
            "created_at": self.clock.now(),
        }
        async with self.database.transaction() as session:
            return await store.put_dataset(session, row)

    async def submit(self, request: BacktestRequest) -> BacktestJob:
        """Store and queue a job in one transaction; return the existing job of an identical request.

        Raises:
            TooManyRequests: Too many jobs are waiting.
        """
        resolved = resolve_request(request)
        async with self.database.transaction() as session:
            data, sub_bars = await store.dataset(session, request.dataset), None
            if request.finer_dataset is not None:
                sub_bars = await store.dataset(session, request.finer_dataset)
                check_sub_bars(data, sub_bars)
            job_id = job_id_of(resolved, data, sub_bars)
            if await store.put_job(session, job_id, request, self.clock.now()):
                await store.require_queue_room(session, self._max_queued)
                await self.queue.put(session, job_id)
            return await store.job(session, job_id)
