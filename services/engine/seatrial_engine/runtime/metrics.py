"""The engine's own metric families."""

from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from seatrial_core import catalog
from seatrial_core.contracts.orders import OrderStatus
from seatrial_service.page_reading import PageReading

WEBHOOK_STATUSES = ("success", "rejected", "invalid", "refused", "error")


class EngineMetrics:
    """Counters and gauges of one engine process.

    Args:
        registry: Where the families are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.orders = _counter(catalog.ENGINE_ORDERS, registry)
        for status in OrderStatus:
            self.orders.labels(status.value)
        self.outbox_pushes = _counter(catalog.ENGINE_OUTBOX_PUSHES, registry)
        self.webhooks = _counter(catalog.ENGINE_WEBHOOKS, registry)
        for name in WEBHOOK_STATUSES:
            self.webhooks.labels(name)
        self.peer_calls = _counter(catalog.PEER_CALLS, registry)

    def count_peer_call(self, peer: str, outcome: str) -> None:
        """Count one call to another service."""
        self.peer_calls.labels(peer, outcome).inc()


class OutboxSize(NamedTuple):
    """How many events wait in the outbox, and how many of them because this machine's clock is ahead."""

    pending: int
    held_events: int


class PendingEvents(Collector):
    """Shows how many events wait in the outbox at the scrape; absent while the database does not answer."""

    def __init__(self, size: PageReading[OutboxSize]) -> None:
        self._size = size

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        size = self._size.value()
        for metric, number in (
            (catalog.ENGINE_OUTBOX_PENDING, size and size.pending),
            (catalog.ENGINE_OUTBOX_HELD, size and size.held_events),
        ):
            family = GaugeMetricFamily(metric.name, metric.help)
            if number is not None:
                family.add_metric([], number)
            yield family


def _counter(metric: catalog.Metric, registry: CollectorRegistry) -> Counter:
    return Counter(metric.name.removesuffix("_total"), metric.help, metric.labels, registry=registry)
