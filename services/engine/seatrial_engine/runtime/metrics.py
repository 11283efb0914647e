"""The engine's own metric families."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from seatrial_core import catalog
from seatrial_core.contracts.orders import OrderStatus

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
        pending = catalog.ENGINE_OUTBOX_PENDING
        self.outbox_pending = Gauge(pending.name, pending.help, registry=registry)
        self.outbox_pushes = _counter(catalog.ENGINE_OUTBOX_PUSHES, registry)
        self.webhooks = _counter(catalog.ENGINE_WEBHOOKS, registry)
        for name in WEBHOOK_STATUSES:
            self.webhooks.labels(name)
        self.peer_calls = _counter(catalog.PEER_CALLS, registry)

    def count_peer_call(self, peer: str, outcome: str) -> None:
        """Count one call to another service."""
        self.peer_calls.labels(peer, outcome).inc()


def _counter(metric: catalog.Metric, registry: CollectorRegistry) -> Counter:
    return Counter(metric.name.removesuffix("_total"), metric.help, metric.labels, registry=registry)
