"""The parts of the service, and their start and stop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from random import Random

from prometheus_client import CollectorRegistry

from seatrial_alerts import breaker, rulefile
from seatrial_alerts.channel import DeliveryAttempt
from seatrial_alerts.commit_listener import CommitListener
from seatrial_alerts.dispatcher import Dispatcher
from seatrial_alerts.documents import document_of, rule_of, with_thresholds
from seatrial_alerts.engine_commands import EngineCommands
from seatrial_alerts.evaluation_loop import EvaluationLoop
from seatrial_alerts.settings import AlertsSettings
from seatrial_alerts.status import AlertsStatus, read_status
from seatrial_alerts.store import outbox, rules
from seatrial_alerts.webhook import WebhookChannel
from seatrial_core.alerting import default_rules, engine_silent_rule, rolling_loss_rule
from seatrial_core.clients import AsyncServiceClient
from seatrial_core.contracts.clock import Clock
from seatrial_core.notifications import WEBHOOK
from seatrial_service import loops
from seatrial_service.db.alerts import NotificationRow
from seatrial_service.db.session import AsyncSession, Database
from seatrial_service.db.upgrade import head
from seatrial_service.page_reading import PageReading


class AlertsService:
    """The parts that the routes call.

    Args:
        settings: The settings of the service.
        clock: The source of time.
        registry: Where the failures of the background loops are registered.
    """

    def __init__(self, settings: AlertsSettings, clock: Clock, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.clock = clock
        self._rule_file = rulefile.load(settings.rules_file)
        self.has_webhook = bool(settings.webhook_url)
        self.database = Database(settings.database_url, application="seatrial-alerts")
        self.metrics = AsyncServiceClient("metrics", url=settings.metrics_url, token=settings.token)
        self.channels = (WEBHOOK,) if self.has_webhook else ()
        random = Random(clock.now().timestamp())
        limit = settings.delivery_timeout_seconds
        self.webhook = WebhookChannel(
            settings.webhook_url, settings.webhook_secret, limit, settings.delivery_attempts, clock
        )
        self.dispatcher = Dispatcher(self.database, self.webhook, clock, random)
        self.engine = AsyncServiceClient("engine", url=settings.engine_url, token=settings.token, timeout_seconds=limit)
        self.command_dispatcher = Dispatcher(
            self.database, EngineCommands(self.engine, limit, clock), clock, random, self._record_command
        )
        self.evaluation_loop = EvaluationLoop(
            self.database,
            self.metrics,
            clock,
            settings.update_interval_seconds,
            self.channels,
            self._wake,
        )
        self.status = PageReading("alerts", self._read_status, clock, registry)
        self.commit_listener = CommitListener(settings.direct_url, self.evaluation_loop.wake)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the loops; at the end stop them and close all connections."""
        await self._seed_rules()
        background = [self.evaluation_loop.loop, self.commit_listener.loop, self.command_dispatcher.loop]
        if self.has_webhook:
            background.append(self.dispatcher.loop)
        try:
            async with loops.running(background, self._registry):
                yield
        finally:
            await self.webhook.close()
            await self.engine.close()
            await self.metrics.close()
            await self.database.close()

    async def _read_status(self) -> AlertsStatus:
        async with self.database.transaction() as session:
            return await read_status(session)

    async def ready(self) -> None:
        """Raise unless the database answers and its schema is the version that this program needs."""
        await self.database.require_head(head())

    async def detail(self) -> dict[str, object]:
        """Return the internal state for `/health/detail`."""
        async with self.database.transaction() as session:
            counts = await outbox.count_by_status(session)
        return {
            "evaluations": self.evaluation_loop.evaluations,
            "evaluation_problem": self.evaluation_loop.problem,
            "last_sequence": self.evaluation_loop.last_sequence,
            "outbox": counts,
        }

    def _wake(self) -> None:
        self.dispatcher.wake()
        self.command_dispatcher.wake()

    async def _record_command(
        self, session: AsyncSession, row: NotificationRow, attempt: DeliveryAttempt, now: datetime
    ) -> None:
        await breaker.record_result(session, row, attempt, self.channels, now)
        self.dispatcher.wake()

    async def _seed_rules(self) -> None:
        # The default rules are stored once; the operator's file overrides stored rules at every start.
        now = self.clock.now()
        async with self.database.transaction() as session:
            for rule in (*default_rules(), rolling_loss_rule(), engine_silent_rule()):
                await rules.put_rule(session, document_of(rule), now, replace=False)
            stored = {rule.name: rule for rule in await rules.list_rules(session)}
            for document in [*with_thresholds(stored, self._rule_file.alert_thresholds), *self._rule_file.rules]:
                rule_of(document)
                await rules.put_rule(session, document, now)
