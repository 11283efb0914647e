"""The service's own Prometheus families, read from its running parts."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from seatrial_alerts.delivery import Dispatcher
from seatrial_alerts.evaluation_loop import EvaluationLoop
from seatrial_core import catalog

BREAKER_STATES = ("ready", "halting", "halted", "resuming")


class AlertsCollector(Collector):
    """Collects what watcher and deliverer have counted."""

    def __init__(self, watcher: EvaluationLoop, deliverer: Dispatcher) -> None:
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
        yield CounterMetricFamily(catalog.ALERTS_DEAD.name, catalog.ALERTS_DEAD.help, self._deliverer.dead)
        yield from self._standing()

    def _standing(self) -> Iterator[Metric]:
        standing = self._watcher.standing
        yield _by_label(catalog.ALERTS_FIRING, standing.firing)
        yield _by_label(catalog.ALERTS_MATCHED, self._watcher.matched)
        yield _by_label(catalog.ALERTS_WAITING, {**dict.fromkeys(("webhook", "engine"), 0), **standing.waiting})
        yield _by_label(catalog.ALERTS_BREAKER, {state: int(state == standing.breaker) for state in BREAKER_STATES})
        oldest = GaugeMetricFamily(catalog.ALERTS_OLDEST.name, catalog.ALERTS_OLDEST.help)
        if standing.oldest_at is not None:
            oldest.add_metric([], standing.oldest_at.timestamp())
        yield oldest


def _by_label(metric: catalog.Metric, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for label, value in values.items():
        family.add_metric([label], value)
    return family
