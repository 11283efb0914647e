"""The parts of the running service, and their life from start to stop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from random import Random

from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_alerts import breaker, rulefile
from seatrial_alerts.channel import DeliveryAttempt
from seatrial_alerts.delivery import Dispatcher
from seatrial_alerts.documents import document_of, rule_of, with_thresholds
from seatrial_alerts.engine_commands import EngineCommands
from seatrial_alerts.evaluation_loop import EvaluationLoop
from seatrial_alerts.settings import AlertsSettings
from seatrial_alerts.store import outbox, rules
from seatrial_alerts.webhook import WEBHOOK, WebhookChannel
from seatrial_core.alerting import default_rules
from seatrial_core.clients import AsyncServiceClient
from seatrial_core.contracts.clock import Clock
from seatrial_service import loops
from seatrial_service.db.alerts import NotificationRow
from seatrial_service.db.session import Database
from seatrial_service.db.upgrade import head


class AlertsService:
    """Everything the routes call.

    Args:
        settings: What is set.
        clock: The only source of time.
    """

    def __init__(self, settings: AlertsSettings, clock: Clock) -> None:
        self.clock = clock
        self._file = rulefile.load(settings.rules_file)
        self.has_webhook = bool(settings.webhook_url)
        self.database = Database(settings.database_url, application="seatrial-alerts")
        self.metrics = AsyncServiceClient("metrics", url=settings.metrics_url, token=settings.token)
        self.channels = (WEBHOOK,) if self.has_webhook else ()
        random = Random(clock.now().timestamp())
        limit = settings.delivery_timeout_seconds
        self.webhook = WebhookChannel(
            settings.webhook_url, settings.webhook_secret, limit, settings.delivery_attempts, clock
        )
        self.deliverer = Dispatcher(self.database, self.webhook, clock, random)
        self.engine = AsyncServiceClient("engine", url=settings.engine_url, token=settings.token, timeout_seconds=limit)
        self.commander = Dispatcher(
            self.database, EngineCommands(self.engine, limit, clock), clock, random, self._noted
        )
        self.watcher = EvaluationLoop(
            self.database,
            settings.direct_url,
            self.metrics,
            clock,
            settings.update_interval_seconds,
            self.channels,
            self._ring,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the loops; at the end stop them and close what is open."""
        await self._seed_rules()
        rounds = [self.watcher.run, self.watcher.listen, self.commander.run]
        try:
            async with loops.running_functions([*rounds, self.deliverer.run] if self.has_webhook else rounds):
                yield
        finally:
            await self.webhook.close()
            await self.engine.close()
            await self.metrics.close()
            await self.database.close()

    async def ready(self) -> None:
        """Raise unless the database answers and its schema is the one this program needs."""
        await self.database.require_head(head())

    async def detail(self) -> dict[str, object]:
        """Return what is inside, for people."""
        async with self.database.transaction() as session:
            waiting = await outbox.figures(session)
        return {
            "evaluations": self.watcher.evaluations,
            "evaluation_problem": self.watcher.problem,
            "last_sequence": self.watcher.last_sequence,
            "outbox": waiting,
        }

    def _ring(self) -> None:
        self.deliverer.ring()
        self.commander.ring()

    async def _noted(
        self, session: AsyncSession, row: NotificationRow, attempt: DeliveryAttempt, now: datetime
    ) -> None:
        await breaker.note(session, row, attempt, self.channels, now)
        self.deliverer.ring()

    async def _seed_rules(self) -> None:
        """Store the default rules that are not there yet; what the operator's file says goes over what is stored."""
        now = self.clock.now()
        async with self.database.transaction() as session:
            for rule in default_rules():
                await rules.put_rule(session, document_of(rule), now, replace=False)
            stored = {rule.name: rule for rule in await rules.everything(session)}
            for document in [*with_thresholds(stored, self._file.alert_thresholds), *self._file.rules]:
                rule_of(document)
                await rules.put_rule(session, document, now)
