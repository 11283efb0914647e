"""The parts of the running service, and their life from start to stop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, Histogram

from seatrial_core import catalog
from seatrial_core.contracts.clock import Clock
from seatrial_metrics.committer import Committer
from seatrial_metrics.exposition import LedgerCollector
from seatrial_metrics.retention import Retention
from seatrial_metrics.settings import MetricsSettings
from seatrial_metrics.snapshot_cache import SnapshotCache
from seatrial_metrics.system_metrics import SystemMetrics
from seatrial_service import loops
from seatrial_service.db.session import Database
from seatrial_service.db.upgrade import head

POOL_SIZE = 5


class MetricsService:
    """Everything the routes call.

    Args:
        settings: What is set.
        clock: The only source of time.
        registry: The families of the process.
    """

    def __init__(self, settings: MetricsSettings, clock: Clock, registry: CollectorRegistry) -> None:
        self.clock = clock
        self.database = Database(settings.database_url, pool_size=POOL_SIZE, application="seatrial-metrics")
        self.board = SnapshotCache(self.database, clock, settings.update_interval_seconds)
        self.committer = Committer(self.database, clock, self.board.committed)
        self.machine = SystemMetrics(settings.disk_path, settings.update_interval_seconds)
        self.keeper = Retention(self.database, clock, settings.retention_days)
        self.page = CollectorRegistry(auto_describe=False)
        self.page.register(
            LedgerCollector(lambda: self.board.last, self.machine.sample, clock.now, settings.label_budget)
        )
        metric = catalog.INGEST_SECONDS
        self.ingest_seconds = Histogram(metric.name, metric.help, registry=registry, buckets=metric.buckets)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the loops; at the end stop them and close the database."""
        try:
            async with loops.running_functions(
                [part.run for part in (self.committer, self.board, self.machine, self.keeper)]
            ):
                yield
        finally:
            await self.database.close()

    async def ready(self) -> None:
        """Raise unless the database answers and its schema is the one this program needs."""
        await self.database.require_head(head())

    async def detail(self) -> dict[str, object]:
        """Return what is inside, for people."""
        last = self.board.last
        return {
            "sequence": None if last is None else last.sequence,
            "figures_as_of": None if last is None else last.as_of,
            "waiting_events": self.committer.waiting_events,
        }
