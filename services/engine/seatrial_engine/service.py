"""The parts of the running engine, and their life from start to stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge

from seatrial_core import catalog
from seatrial_core.clients import AsyncServiceClient
from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import OrderStatus
from seatrial_core.errors import SeatrialError
from seatrial_engine.domain import events
from seatrial_engine.domain.changes import StateChanges
from seatrial_engine.domain.exchange import ImmediateExchange
from seatrial_engine.domain.order_processor import OrderProcessor
from seatrial_engine.engine import new_id
from seatrial_engine.replays.runner import ReplayRunner, stop
from seatrial_engine.runtime import system_metrics
from seatrial_engine.runtime.group_commit import EngineWriter
from seatrial_engine.runtime.outbox_relay import OutboxRelay
from seatrial_engine.settings import EngineSettings
from seatrial_engine.store import instance, outbox
from seatrial_service import logs
from seatrial_service.db.session import Database
from seatrial_service.db.upgrade import head

POOL_SIZE = 6
PUSH_SECONDS = 30.0


class EngineService:
    """Everything the routes call.

    Args:
        settings: What is set.
        clock: The only source of time.
        registry: The families of the process.
    """

    def __init__(self, settings: EngineSettings, clock: Clock, registry: CollectorRegistry) -> None:
        self.settings = settings
        self.clock = clock
        self.config = settings.config
        self.database = Database(settings.database_url, pool_size=POOL_SIZE, application="seatrial-engine")
        self._orders, self._pending, self._pushes, peers = _families(registry)
        self._client = AsyncServiceClient(
            "metrics",
            url=settings.metrics_url,
            token=settings.token,
            timeout_seconds=PUSH_SECONDS,
            count=lambda peer, outcome: peers.labels(peer, outcome).inc(),
        )
        exchange = ImmediateExchange(self.config.fee_rate, self.config.slippage_bps)
        self.desk = OrderProcessor(self.config, exchange, clock, new_id, lambda account: account in self.runner.owners)
        self.pusher = OutboxRelay(self.database, self._client, clock, self._pushed)
        self.trading = EngineWriter(self.database, self.desk, self._committed)
        self.runner = ReplayRunner(self.database, self.trading, self.config.name, clock, self.pusher.ring)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take over the database, go on where it stands, run the loops; at the end stop them and close it."""
        async with self.database.transaction() as session:
            mine = await instance.claim(session, f"engine-{new_id()[:12]}")
        self.trading.begin(mine)
        self.pusher.producer = mine.name
        await self.trading.load()
        await self.runner.resume()
        tasks = [asyncio.create_task(loop) for loop in (self.trading.run(), self.pusher.run(), self._live())]
        try:
            yield
        finally:
            await self.runner.close()
            await stop(tasks)
            await self._client.close()
            await self.database.close()

    async def ready(self) -> None:
        """Raise unless the database answers, its schema is the right one, and no other engine took over."""
        await self.database.require_head(head())
        async with self.database.transaction() as session:
            await self.trading.guard(session)

    async def detail(self) -> dict[str, object]:
        """Return what is inside, for people."""
        async with self.database.transaction() as session:
            waiting, refused = await outbox.pending(session), await outbox.refused(session)
        return {
            "state": self.trading.state.control.state,
            "accounts": len(self.trading.state.accounts),
            "replay_accounts": len(self.runner.owners),
            "outbox_pending": waiting,
            "outbox_refused": refused,
            "push_error": self.pusher.last_error,
        }

    def _committed(self, effects: StateChanges) -> None:
        for known in effects.orders:
            self._orders.labels(known.order.status.value).inc()
        if effects.events:
            self.pusher.ring()

    def _pushed(self, outcome: str, waiting: int) -> None:
        self._pushes.labels(outcome).inc()
        if waiting >= 0:
            self._pending.set(waiting)

    async def _live(self) -> None:
        system_metrics.prime()
        environment = Environment(self.settings.environment)
        while True:
            await asyncio.sleep(self.settings.update_interval_seconds)
            now, name, identity = self.clock.now(), self.config.name, new_id()
            try:
                sample = system_metrics.sample(self.settings.disk_path)
                samples = [
                    events.alive(f"heartbeat:{identity}", now, name, environment),
                    events.sampled(f"system:{identity}", now, name, environment, sample),
                ]
                await self.trading.tell(samples)
            except (SeatrialError, OSError) as error:
                logs.get().warning("heartbeat_not_stored", error=str(error))


def _families(registry: CollectorRegistry) -> tuple[Counter, Gauge, Counter, Counter]:
    def counter(metric: catalog.Metric) -> Counter:
        return Counter(metric.name.removesuffix("_total"), metric.help, metric.labels, registry=registry)

    orders = counter(catalog.ENGINE_ORDERS)
    for status in OrderStatus:
        orders.labels(status.value)
    pending = Gauge(catalog.ENGINE_OUTBOX_PENDING.name, catalog.ENGINE_OUTBOX_PENDING.help, registry=registry)
    return orders, pending, counter(catalog.ENGINE_OUTBOX_PUSHES), counter(catalog.PEER_CALLS)
