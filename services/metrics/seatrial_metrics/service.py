"""The parts of the metrics service, from start to stop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, Histogram

from seatrial_core import catalog
from seatrial_core.contracts.clock import Clock
from seatrial_metrics.account_limit import AccountLimit
from seatrial_metrics.committer import Committer
from seatrial_metrics.exposition import LedgerCollector
from seatrial_metrics.figures import Figures
from seatrial_metrics.portfolio import PortfolioOptions
from seatrial_metrics.restating import Restating
from seatrial_metrics.retention import Retention
from seatrial_metrics.settings import MetricsSettings
from seatrial_metrics.snapshot_cache import SnapshotCache
from seatrial_metrics.system_metrics import SystemMetrics
from seatrial_service import loops
from seatrial_service.db.session import Database
from seatrial_service.db.upgrade import head

POOL_SIZE = 5


class MetricsService:
    """The parts that the routes call.

    Args:
        settings: The settings of the service.
        clock: The source of time.
        registry: Receives the families of the process.
    """

    def __init__(self, settings: MetricsSettings, clock: Clock, registry: CollectorRegistry) -> None:
        self.clock = clock
        self._registry = registry
        self.database = Database(settings.database_url, pool_size=POOL_SIZE, application="seatrial-metrics")
        self.snapshot_cache = SnapshotCache(self.database, clock, settings.update_interval_seconds)
        options = PortfolioOptions(settings.currency, settings.session_zone)
        self.committer = Committer(self.database, clock, options, self.snapshot_cache.committed)
        self.account_limit = AccountLimit(settings.max_accounts)
        self._figures_of_accounts: Figures | None = None
        self.restating = Restating(self.database, clock, options)
        self.system_metrics = SystemMetrics(clock.monotonic, settings.disk_path, settings.update_interval_seconds)
        self.retention = Retention(self.database, clock, settings.retention_days)
        self.page = CollectorRegistry(auto_describe=False)
        cache, machine = self.snapshot_cache, self.system_metrics
        self.page.register(LedgerCollector(lambda: cache.last, machine.last, clock.now, settings))
        metric = catalog.INGEST_SECONDS
        self.ingest_seconds = Histogram(metric.name, metric.help, registry=registry, buckets=metric.buckets)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the loops while the block lasts; then stop them and close the database."""
        parts = (self.committer, self.snapshot_cache, self.system_metrics, self.retention, self.restating)
        try:
            async with loops.running([part.loop() for part in parts], self._registry):
                yield
        finally:
            await self.database.close()

    def pass_accounts(self) -> None:
        """Pass the stored accounts to the limit of accounts, once for each reading of the figures."""
        figures = self.snapshot_cache.last
        if figures is not None and figures is not self._figures_of_accounts:
            self._figures_of_accounts = figures
            self.account_limit.add((account.environment, account.account.name) for account in figures.accounts)

    async def ready(self) -> None:
        """Raise unless the database answers and its migrations are at head."""
        await self.database.require_head(head())

    async def detail(self) -> dict[str, object]:
        """Return the sequence, the age of the figures and the length of the queue."""
        last = self.snapshot_cache.last
        return {
            "sequence": None if last is None else last.sequence,
            "figures_as_of": None if last is None else last.as_of,
            "waiting_events": self.committer.waiting_events,
        }
