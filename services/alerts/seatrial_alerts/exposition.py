"""The Prometheus metrics of this service, read from its running parts."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from seatrial_alerts.dispatcher import Dispatcher
from seatrial_alerts.evaluation_loop import EvaluationLoop
from seatrial_alerts.status import AlertsStatus
from seatrial_core import catalog
from seatrial_service.page_reading import PageReading

BREAKER_STATES = ("ready", "halting", "halted", "resuming")


class AlertsCollector(Collector):
    """Collects the counts of the evaluation loop and of the webhook dispatcher, and the stored status."""

    def __init__(
        self, evaluation_loop: EvaluationLoop, dispatcher: Dispatcher, status: PageReading[AlertsStatus]
    ) -> None:
        self._status_reading = status
        self._evaluation_loop = evaluation_loop
        self._dispatcher = dispatcher

    def collect(self) -> Iterator[Metric]:
        """Return the current metrics."""
        evaluations = CounterMetricFamily(
            catalog.ALERTS_EVALUATIONS.name, catalog.ALERTS_EVALUATIONS.help, labels=["outcome"]
        )
        evaluations.add_metric(["done"], self._evaluation_loop.evaluations)
        evaluations.add_metric(["failed"], self._evaluation_loop.loop.failures_total)
        yield evaluations
        sequence = GaugeMetricFamily(catalog.ALERTS_SEQUENCE.name, catalog.ALERTS_SEQUENCE.help)
        if self._evaluation_loop.last_sequence is not None:
            sequence.add_metric([], self._evaluation_loop.last_sequence)
        yield sequence
        evaluated = GaugeMetricFamily(catalog.ALERTS_EVALUATED_AT.name, catalog.ALERTS_EVALUATED_AT.help)
        if self._evaluation_loop.last_evaluated_at is not None:
            evaluated.add_metric([], self._evaluation_loop.last_evaluated_at.timestamp())
        yield evaluated
        notifications = CounterMetricFamily(
            catalog.ALERTS_NOTIFICATIONS.name, catalog.ALERTS_NOTIFICATIONS.help, labels=["outcome"]
        )
        for outcome in ("delivered", "refused", "timeout", "unreachable"):
            notifications.add_metric([outcome], self._dispatcher.outcomes.get(outcome, 0))
        yield notifications
        yield CounterMetricFamily(catalog.ALERTS_DEAD.name, catalog.ALERTS_DEAD.help, self._dispatcher.dead)
        yield from self._status()

    def _status(self) -> Iterator[Metric]:
        status = self._status_reading.value()
        waiting = {} if status is None else {**dict.fromkeys(("webhook", "engine"), 0), **status.waiting}
        breaker = {} if status is None else {state: int(state == status.breaker) for state in BREAKER_STATES}
        yield _by_label(catalog.ALERTS_FIRING, {} if status is None else status.firing)
        yield _by_label(catalog.ALERTS_MATCHED, self._evaluation_loop.matches)
        yield _by_label(catalog.ALERTS_WAITING, waiting)
        yield _by_label(catalog.ALERTS_BREAKER, breaker)
        oldest = GaugeMetricFamily(catalog.ALERTS_OLDEST.name, catalog.ALERTS_OLDEST.help)
        if status is not None and status.oldest_at is not None:
            oldest.add_metric([], status.oldest_at.timestamp())
        yield oldest


def _by_label(metric: catalog.Metric, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for label, value in values.items():
        family.add_metric([label], value)
    return family
