"""The parts of the engine service, and their start and stop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from seatrial_core.clients import AsyncServiceClient
from seatrial_core.contracts.clock import Clock
from seatrial_engine.domain.exchange import ImmediateExchange
from seatrial_engine.domain.order_processor import OrderProcessor
from seatrial_engine.engine import new_id
from seatrial_engine.replays.runner import ReplayRunner
from seatrial_engine.runtime.engine_writer import EngineWriter
from seatrial_engine.runtime.heartbeat import Heartbeat
from seatrial_engine.runtime.metrics import EngineMetrics, OutboxSize, PendingEvents
from seatrial_engine.runtime.outbox_relay import OutboxRelay
from seatrial_engine.settings import EngineSettings
from seatrial_engine.store import instance, outbox
from seatrial_service import loops
from seatrial_service.db.session import Database
from seatrial_service.db.upgrade import head
from seatrial_service.page_reading import PageReading
from seatrial_service.parsing.bodies import BodyReader
from seatrial_service.parsing.pool import ParserPool
from seatrial_service.parsing.spool import BodySpool

POOL_SIZE = 6
PUSH_TIMEOUT_SECONDS = 30.0


class EngineService:
    """The parts that the routes call.

    Args:
        settings: The settings of the service.
        clock: The only source of time.
        registry: Where the metric families are registered.
    """

    def __init__(self, settings: EngineSettings, clock: Clock, registry: CollectorRegistry) -> None:
        self.settings = settings
        self.clock = clock
        self.config = settings.config
        self.database = Database(settings.database_url, pool_size=POOL_SIZE, application="seatrial-engine")
        self._registry = registry
        metrics = self.metrics = EngineMetrics(registry)
        self._client = AsyncServiceClient(
            "metrics",
            url=settings.metrics_url,
            token=settings.token,
            timeout_seconds=PUSH_TIMEOUT_SECONDS,
            count=metrics.count_peer_call,
        )
        exchange = ImmediateExchange(self.config.fee_rate, self.config.slippage_bps)
        self.processor = OrderProcessor(self.config, exchange, clock, new_id)
        self.relay = OutboxRelay(self.database, self._client, clock, metrics)
        self.writer = EngineWriter(self.database, self.processor, self.relay, metrics)
        limits = settings.parser_limits
        self._parsers = ParserPool(limits, ["seatrial_engine.replays.requests"])
        self.bodies = BodyReader(BodySpool(limits.spool_bytes), self._parsers)
        self.replays = ReplayRunner(self.database, self.writer, self.relay, self.config.name, clock, self._parsers)
        self.pending = PageReading("outbox", self._read_pending, clock, registry)
        registry.register(PendingEvents(self.pending))
        self._heartbeat = Heartbeat(self.writer, settings, clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take over the database, resume from its state and run the loops; at the end stop them and close it."""
        async with self.database.transaction() as session:
            own = await instance.claim(session, f"engine-{new_id()[:12]}")
        self.relay.producer = own.name
        await self.writer.begin(own)
        background = [self.writer.loop(), self.relay.loop(), self._heartbeat.loop()]
        try:
            async with self._parsers.running(), loops.running(background, self._registry):
                try:
                    await self.replays.resume()
                    yield
                finally:
                    await self.replays.close()
        finally:
            await self._client.close()
            await self.database.close()

    async def _read_pending(self) -> OutboxSize:
        async with self.database.transaction() as session:
            return OutboxSize(await outbox.pending(session), await outbox.held(session))

    async def ready(self) -> None:
        """Raise unless the database answers, its schema is current, and no newer process took over."""
        await self.database.require_head(head())
        async with self.database.transaction() as session:
            await self.writer.guard(session)

    async def detail(self) -> dict[str, object]:
        """Return the state of the parts, for operators."""
        async with self.database.transaction() as session:
            pending, rejected = await outbox.pending(session), await outbox.rejected(session)
            held_events = await outbox.held(session)
        state = self.writer.state
        return {
            "state": state.control.state,
            "accounts": len(state.accounts),
            "replay_accounts": len(state.replay_accounts),
            "outbox_pending": pending,
            "outbox_held": held_events,
            "clock_seconds_ahead": self.relay.seconds_ahead,
            "outbox_refused": rejected,
            "push_error": self.relay.last_error,
        }
