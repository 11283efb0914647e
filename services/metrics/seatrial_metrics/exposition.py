"""Exposes figures as the Prometheus families of the catalogue."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as MetricFamily
from prometheus_client.registry import Collector

from seatrial_core import catalog
from seatrial_core.contracts.events import Environment
from seatrial_core.label_budget import OTHER
from seatrial_metrics.cardinality import Labels, limit_cardinality
from seatrial_metrics.counters import SUM, CounterKey, Family
from seatrial_metrics.figures import RECENT_SYSTEM, EngineFigures, Figures
from seatrial_metrics.scopes import FigureScope, headline, portfolio_scope
from seatrial_metrics.settings import MetricsSettings

SIDES = ("BUY", "SELL")
HUNDRED = 100.0

Sample = Mapping[str, float | None]


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
        machine: Callable[[], Sample],
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
        overflow: dict[str, int] = {}
        yield from self._counted(figures or Figures(as_of=now), overflow)
        yield _counter(catalog.LABEL_OVERFLOW, {(name,): Decimal(count) for name, count in overflow.items()})
        gauges = _gauges(figures, now, self._machine(), self._settings)
        for metric in (*catalog.GUIDE_METRICS, *catalog.TRADING_METRICS):
            if metric.kind is catalog.Kind.GAUGE:
                yield _gauge(metric, gauges.get(metric.name))

    def _counted(self, figures: Figures, overflow: dict[str, int]) -> Iterator[MetricFamily]:
        by_family: dict[str, list[tuple[CounterKey, Decimal]]] = {}
        shown = headline(figures.environments, self._settings.headline)
        guide = {metric.name for metric in catalog.GUIDE_METRICS}
        for key, value in figures.counters.items():
            is_shown = key.environment == shown if key.family in guide else key.environment != Environment.STRESS
            if is_shown:
                by_family.setdefault(key.family, []).append((key, value))
        for metric in (*catalog.GUIDE_METRICS, *catalog.TRADING_METRICS):
            if metric is catalog.LABEL_OVERFLOW or metric.kind is catalog.Kind.GAUGE:
                continue
            is_histogram = metric.kind is catalog.Kind.HISTOGRAM
            limited = limit_cardinality(
                by_family.get(metric.name, []), metric, int(is_histogram), self._settings.label_budget
            )
            for label, count in limited.overflow.items():
                overflow[label] = overflow.get(label, 0) + count
            yield (
                _histogram(metric, limited.values)
                if is_histogram
                else _counter(metric, _initialised(metric, limited.values))
            )


def _initialised(metric: catalog.Metric, values: Mapping[Labels, Decimal]) -> Mapping[Labels, Decimal]:
    # Every usual status of a strategy starts at 0, so that `increase()` sees the first of each.
    if metric.name != Family.TRADES:
        return values
    sides: dict[str, set[str]] = {}
    for strategy, side, _ in values:
        sides.setdefault(strategy, set(SIDES)).add(side)
    zeros: dict[Labels, Decimal] = {
        (strategy, side, status): Decimal(0)
        for strategy, strategy_sides in sides.items()
        for side in sorted(strategy_sides - {OTHER})
        for status in catalog.TRADE_STATUSES
    }
    return {**zeros, **values}


def _counter(metric: catalog.Metric, values: Mapping[Labels, Decimal]) -> MetricFamily:
    family = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, value in values.items():
        family.add_metric(list(labels), float(value))
    return family


def _histogram(metric: catalog.Metric, values: Mapping[Labels, Decimal]) -> MetricFamily:
    # A family without labels is exposed from the start, at zero.
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    names = {labels[:-1]: None for labels in values} or ({} if metric.labels else {(): None})
    bounds = [*(str(bound) for bound in metric.buckets), "+Inf"]
    for labels in names:
        running = Decimal(0)
        buckets = []
        for index, bound in enumerate(bounds):
            running += values.get((*labels, str(index)), Decimal(0))
            buckets.append((bound, float(running)))
        family.add_metric(list(labels), buckets, sum_value=float(values.get((*labels, SUM), Decimal(0))))
    return family


def _gauge(metric: catalog.Metric, value: float | None) -> MetricFamily:
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    if value is not None:
        family.add_metric([], value)
    return family


def _gauges(figures: Figures | None, now: datetime, machine: Sample, settings: MetricsSettings) -> Sample:
    if figures is None:
        return machine
    environment = headline(figures.environments, settings.headline)
    scope = FigureScope()
    if environment is not None:
        scope = portfolio_scope(figures, environment, settings.fx_max_age)
    engines = [engine for engine in figures.engines if engine.environment != Environment.STRESS]
    return {
        **_money(scope),
        **_machine(engines, now, machine),
        catalog.LAST_EVENT.name: _newest(engine.last_occurred_at for engine in engines),
        catalog.HEARTBEAT.name: _newest(engine.heartbeat_at for engine in engines),
        catalog.LEDGER_SEQUENCE.name: float(figures.sequence),
        catalog.FIGURES_AGE.name: max(0.0, (now - figures.as_of).total_seconds()),
    }


def _money(scope: FigureScope) -> Sample:
    state = scope.state
    return {
        catalog.CURRENT_PNL.name: _float(scope.profit),
        catalog.OPEN_POSITIONS.name: _float(scope.open_positions),
        catalog.WIN_RATE.name: _percent(scope.win_rate.value),
        catalog.PORTFOLIO_RISK.name: _percent(scope.risk.value),
        catalog.MAX_DRAWDOWN.name: None if state is None else _percent(float(state.max_drawdown_ratio)),
        catalog.DAILY_PNL.name: _float(scope.session_profit),
        catalog.EQUITY.name: None if state is None else float(state.equity),
        catalog.EQUITY_PEAK.name: None if state is None else float(state.peak),
        catalog.DRAWDOWN_RATIO.name: scope.drawdown.value,
    }


def _machine(engines: Iterable[EngineFigures], now: datetime, machine: Sample) -> Sample:
    # A recent sample of an engine replaces that of this machine.
    recent = [
        (engine.system_received_at, engine)
        for engine in engines
        if engine.system_received_at is not None and now - engine.system_received_at <= RECENT_SYSTEM
    ]
    if not recent:
        return machine
    newest = max(recent, key=lambda pair: pair[0])[1]
    sample = {
        catalog.SYSTEM_CPU.name: newest.cpu_percent,
        catalog.SYSTEM_MEMORY.name: newest.memory_percent,
        catalog.SYSTEM_DISK.name: newest.disk_percent,
    }
    return {name: machine.get(name) if value is None else value for name, value in sample.items()}


def _newest(instants: Iterable[datetime | None]) -> float | None:
    return max((instant.timestamp() for instant in instants if instant is not None), default=None)


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None else ratio * HUNDRED


def _float(value: Decimal | int | None) -> float | None:
    return None if value is None else float(value)
