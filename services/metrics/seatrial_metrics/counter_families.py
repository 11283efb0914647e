"""The counters and histograms of the ledger's page: the guide's of one environment, all others by environment."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as MetricFamily

from seatrial_core import catalog
from seatrial_core.contracts.events import Environment
from seatrial_core.label_budget import OTHER
from seatrial_metrics.cardinality import Labels, limit_cardinality
from seatrial_metrics.counters import SUM, CounterKey, Family
from seatrial_metrics.engine_samples import overflowing_engines
from seatrial_metrics.figures import Figures
from seatrial_metrics.money_samples import overflowing_accounts

SIDES = ("BUY", "SELL")
# Families that count the same events as one of the guide's, for every environment.
STORED_AS: Mapping[str, str] = {
    catalog.TRADING_TRADES.name: Family.TRADES,
    catalog.TRADING_TRADE_DURATION.name: Family.TRADE_DURATION,
    catalog.TRADING_API_DURATION.name: Family.API_REQUEST_DURATION,
}
COUNTED = tuple(
    metric
    for metric in (*catalog.GUIDE_METRICS, *catalog.TRADING_METRICS)
    if metric.kind is not catalog.Kind.GAUGE and metric is not catalog.LABEL_OVERFLOW
)

Rows = Sequence[tuple[CounterKey, Decimal]]


def counter_families(figures: Figures, headline: str | None, label_budget: int) -> Iterator[MetricFamily]:
    """Yield every counter and histogram, at last how many label values have no series.

    Args:
        figures: The state of the ledger.
        headline: The environment of the guide's metrics, or None if that is not decided.
        label_budget: How many values a label may have in one environment.
    """
    rows: dict[tuple[str, str], list[tuple[CounterKey, Decimal]]] = {}
    for key, value in figures.counters.items():
        if key.environment != Environment.STRESS:
            rows.setdefault((key.family, key.environment), []).append((key, value))
    environments = sorted({environment for _, environment in rows})
    overflow = Counter(
        account=overflowing_accounts(figures, label_budget), engine=overflowing_engines(figures, label_budget)
    )
    for metric in COUNTED:
        stored = STORED_AS.get(metric.name, metric.name)
        values: dict[Labels, Decimal] = {}
        for environment in environments if metric.scope else [headline]:
            counted = rows.get((stored, environment), []) if environment is not None else []
            scope = (str(environment),) if metric.scope else ()
            values.update(_by_labels(metric, counted, scope, figures, label_budget, overflow))
        yield _histogram(metric, values) if metric.kind is catalog.Kind.HISTOGRAM else counter(metric, values)
    yield counter(catalog.LABEL_OVERFLOW, {(name,): Decimal(count) for name, count in sorted(overflow.items())})


def counter(metric: catalog.Metric, values: Mapping[Labels, Decimal]) -> MetricFamily:
    """Return a counter with these values by label set."""
    family = CounterMetricFamily(metric.name, metric.help, labels=metric.page_labels)
    for labels, value in values.items():
        family.add_metric(list(labels), float(value))
    return family


def _by_labels(
    metric: catalog.Metric, rows: Rows, scope: Labels, figures: Figures, label_budget: int, overflow: Counter[str]
) -> dict[Labels, Decimal]:
    is_histogram = metric.kind is catalog.Kind.HISTOGRAM
    limited = limit_cardinality(rows, metric, int(is_histogram), label_budget, figures.label_names)
    for label, count in limited.overflow.items():
        if metric.name not in STORED_AS:
            overflow[label] += count
    values = limited.values if is_histogram else _initialised(metric, limited.values)
    return {(*scope, *labels): value for labels, value in values.items()}


def _initialised(metric: catalog.Metric, values: Mapping[Labels, Decimal]) -> Mapping[Labels, Decimal]:
    # Every usual status of a strategy starts at 0, so that `increase()` sees the first of each.
    if STORED_AS.get(metric.name, metric.name) != Family.TRADES:
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


def _histogram(metric: catalog.Metric, values: Mapping[Labels, Decimal]) -> MetricFamily:
    # A family without labels is exposed from the start, at zero.
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.page_labels)
    names = {labels[:-1]: None for labels in values} or ({} if metric.page_labels else {(): None})
    bounds = [*(str(bound) for bound in metric.buckets), "+Inf"]
    for labels in names:
        running = Decimal(0)
        buckets = []
        for index, bound in enumerate(bounds):
            running += values.get((*labels, str(index)), Decimal(0))
            buckets.append((bound, float(running)))
        family.add_metric(list(labels), buckets, sum_value=float(values.get((*labels, SUM), Decimal(0))))
    return family
