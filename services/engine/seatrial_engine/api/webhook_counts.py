"""Counts webhooks: in the process, and in the ledger where the sender is known and the number of rows is bounded."""

import contextlib

from seatrial_core.contracts.events import Environment
from seatrial_core.errors import Unavailable
from seatrial_engine.domain import events
from seatrial_engine.domain.commands import RecordEvents
from seatrial_engine.engine import new_id
from seatrial_engine.service import EngineService
from seatrial_service.throttle import PeriodLimit

PERIOD_SECONDS = 60.0
# Invalid and repeated webhooks make no order, so nothing else bounds their rows in the ledger.
MAX_EVENTS_WITHOUT_ORDER = 60


class WebhookCounts:
    """The counter of webhooks on the engine's metrics page, and their events in the ledger.

    Args:
        service: Its metrics, writer and clock.
    """

    def __init__(self, service: EngineService) -> None:
        self._service = service
        self._events_without_order = PeriodLimit(MAX_EVENTS_WITHOUT_ORDER, PERIOD_SECONDS)

    def count_refused(self) -> None:
        """Count a webhook of an unknown sender; it leaves nothing in the database."""
        self._service.metrics.webhooks.labels("refused").inc()

    async def count(self, status: str, *, is_new: bool) -> None:
        """Count a webhook of a known sender.

        Args:
            status: Its result.
            is_new: Whether it made an order; of the others at most 60 per minute are reported to the ledger.
        """
        self._service.metrics.webhooks.labels(status).inc()
        if not is_new and not self._events_without_order.allows(self._service.clock.monotonic()):
            return
        service = self._service
        environment = Environment(service.settings.environment)
        event = events.webhook_received(new_id(), service.clock.now(), service.config.name, environment, status)
        with contextlib.suppress(Unavailable):
            await service.writer.submit(RecordEvents((event,)))
