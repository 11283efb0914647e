"""Exposes figures as the Prometheus families of the catalogue."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as MetricFamily
from prometheus_client.registry import Collector

from seatrial_core import catalog
from seatrial_metrics.cardinality import Labels
from seatrial_metrics.counter_families import counter_families
from seatrial_metrics.engine_samples import Machine, engine_samples, machine_sample, skew_samples
from seatrial_metrics.figures import Figures
from seatrial_metrics.money_samples import money_samples
from seatrial_metrics.scopes import headline
from seatrial_metrics.settings import MetricsSettings

GAUGES = tuple(
    metric for metric in (*catalog.GUIDE_METRICS, *catalog.TRADING_METRICS) if metric.kind is catalog.Kind.GAUGE
)


class LedgerCollector(Collector):
    """Exposes the last committed figures; a scrape does not wait for the database.

    Args:
        figures: Returns the last figures, or None before the first reading.
        machine: Returns the last sample of this machine by metric name.
        now: Returns the current instant.
        settings: Which environment the guide's metrics show, and how many values a label may have.
    """

    def __init__(
        self,
        figures: Callable[[], Figures | None],
        machine: Callable[[], Machine],
        now: Callable[[], datetime],
        settings: MetricsSettings,
    ) -> None:
        self._figures = figures
        self._machine = machine
        self._now = now
        self._settings = settings

    def collect(self) -> Iterator[MetricFamily]:
        """Yield every family of the page, also those without a sample."""
        figures = self._figures()
        now = self._now()
        settings = self._settings
        shown = None if figures is None else headline(figures.environments, settings.headline)
        unread = Figures(as_of=now)
        yield from counter_families(figures or unread, shown, settings.label_budget)
        samples = _samples(figures, shown, now, self._machine(), settings)
        for metric in GAUGES:
            yield _gauge(metric, samples.get(metric.name, {}))


def _samples(
    figures: Figures | None, shown: str | None, now: datetime, machine: Machine, settings: MetricsSettings
) -> Mapping[str, Mapping[Labels, float]]:
    if figures is None:
        return _unlabelled(machine)
    engines = [engine for engine in figures.engines if engine.environment == shown]
    return {
        **money_samples(figures, shown, settings.fx_max_age, settings.label_budget),
        **engine_samples(figures, settings.label_budget),
        **skew_samples(figures, settings.label_budget),
        **_unlabelled(machine_sample(engines, now, machine)),
        catalog.LEDGER_SEQUENCE.name: {(): float(figures.sequence)},
        catalog.FIGURES_AGE.name: {(): max(0.0, (now - figures.as_of).total_seconds())},
    }


def _unlabelled(values: Machine) -> dict[str, dict[Labels, float]]:
    return {name: {(): value} for name, value in values.items() if value is not None}


def _gauge(metric: catalog.Metric, samples: Mapping[Labels, float]) -> MetricFamily:
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.page_labels)
    for labels, value in samples.items():
        family.add_metric(list(labels), value)
    return family
