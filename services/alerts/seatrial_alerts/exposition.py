"""The service's own Prometheus families, read from its running parts."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from seatrial_alerts.delivery import Deliverer
from seatrial_alerts.watcher import Watcher
from seatrial_shared import catalog


class AlertsCollector(Collector):
    """Collects what watcher and deliverer have counted."""

    def __init__(self, watcher: Watcher, deliverer: Deliverer) -> None:
        self._watcher = watcher
        self._deliverer = deliverer

    def collect(self) -> Iterator[Metric]:
        """Return the families as they stand."""
        evaluations = CounterMetricFamily(
            catalog.ALERTS_EVALUATIONS.name, catalog.ALERTS_EVALUATIONS.help, labels=["outcome"]
        )
        evaluations.add_metric(["done"], self._watcher.evaluations)
        evaluations.add_metric(["failed"], self._watcher.failures)
        yield evaluations
        sequence = GaugeMetricFamily(catalog.ALERTS_SEQUENCE.name, catalog.ALERTS_SEQUENCE.help)
        if self._watcher.last_sequence is not None:
            sequence.add_metric([], self._watcher.last_sequence)
        yield sequence
        notifications = CounterMetricFamily(
            catalog.ALERTS_NOTIFICATIONS.name, catalog.ALERTS_NOTIFICATIONS.help, labels=["outcome"]
        )
        for outcome in ("delivered", "refused", "timeout", "unreachable"):
            notifications.add_metric([outcome], self._deliverer.outcomes.get(outcome, 0))
        yield notifications
