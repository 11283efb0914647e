"""Counters, histograms and gauges of this process under the names of the catalogue, as a Prometheus collector."""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from seatrial_core import catalog
from seatrial_core.label_budget import OTHER, LabelBudget

FAMILIES = (
    *catalog.GUIDE_METRICS,
    catalog.TRADING_WEBHOOKS,
    catalog.TRADING_ERRORS,
    catalog.TRADING_EVENTS_DROPPED,
    catalog.LABEL_OVERFLOW,
)

Labels = tuple[str, ...]


class HistogramCounts:
    """The observations of one label set: a count per bucket, the last one without upper bound, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        """Return (upper bound, observations up to it) for each bucket, as Prometheus expects."""
        rows, so_far = [], 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            so_far += count
            rows.append(("+Inf" if bound == float("inf") else repr(float(bound)), float(so_far)))
        return rows


class ProcessCounters(Collector):
    """All families of one process; every family is exposed from the start, an unknown gauge without a sample."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[str, dict[Labels, float]] = {f.name: {} for f in FAMILIES if f.kind == "counter"}
        self._histograms: dict[str, dict[Labels, HistogramCounts]] = {
            f.name: {} for f in FAMILIES if f.kind == "histogram"
        }
        self._gauges: dict[str, float] = {}
        self._budget = LabelBudget()

    def count(self, family: catalog.Metric, *labels: str, by: float = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self._add(family, labels, by)

    def count_trade(self, strategy: str, side: str, status: str, duration_seconds: float) -> None:
        """Count one trade and the duration of its execution; the usual statuses of its series start at zero."""
        with self._lock:
            series = self._counters[catalog.TRADES.name]
            labels = self._within_budget(catalog.TRADES, (strategy, side, status))
            if labels not in series:
                for usual in catalog.TRADE_STATUSES:
                    series.setdefault((labels[0], labels[1], usual), 0)
            series[labels] = series.get(labels, 0) + 1
            self._histogram(catalog.TRADE_DURATION, ()).observe(duration_seconds)

    def observe(self, family: catalog.Metric, value: float, *labels: str) -> None:
        """Add one observation to a histogram."""
        with self._lock:
            self._histogram(family, self._within_budget(family, labels)).observe(value)

    def set_gauges(self, values: Mapping[catalog.Metric, float | None]) -> None:
        """Set gauges; None or a number that is not finite removes the sample."""
        with self._lock:
            for family, value in values.items():
                if value is None or not isfinite(value):
                    self._gauges.pop(family.name, None)
                else:
                    self._gauges[family.name] = float(value)

    def value(self, family: catalog.Metric, *labels: str) -> float | None:
        """Return a counter (0 before its first count) or a gauge (None while unknown)."""
        with self._lock:
            if family.kind is catalog.Kind.COUNTER:
                return self._counters[family.name].get(labels, 0)
            return self._gauges.get(family.name)

    def collect(self) -> Iterable[Metric]:
        """Return every family with its current samples."""
        with self._lock:
            return [self._family(family) for family in FAMILIES]

    def renew_lock(self) -> None:
        """Make a new lock in a forked child: a thread of the parent may hold the old one."""
        self._lock = threading.Lock()

    def _add(self, family: catalog.Metric, labels: Labels, by: float) -> None:
        series = self._counters[family.name]
        labels = self._within_budget(family, labels)
        series[labels] = series.get(labels, 0) + by

    def _histogram(self, family: catalog.Metric, labels: Labels) -> HistogramCounts:
        series = self._histograms[family.name]
        if labels not in series:
            series[labels] = HistogramCounts(family.buckets)
        return series[labels]

    def _within_budget(self, family: catalog.Metric, labels: Labels) -> Labels:
        return tuple(self._limit(family.name, name, value) for name, value in zip(family.labels, labels, strict=True))

    def _limit(self, family: str, label: str, value: str) -> str:
        limited = self._budget.limit(family, label, value)
        if limited == OTHER and value != OTHER:
            overflow = self._counters[catalog.LABEL_OVERFLOW.name]
            overflow[(label,)] = overflow.get((label,), 0) + 1
        return limited

    def _family(self, family: catalog.Metric) -> Metric:
        match family.kind:
            case catalog.Kind.COUNTER:
                counter = CounterMetricFamily(family.name, family.help, labels=family.labels)
                for labels, count in self._counters[family.name].items():
                    counter.add_metric(labels, count)
                return counter
            case catalog.Kind.HISTOGRAM:
                histogram = HistogramMetricFamily(family.name, family.help, labels=family.labels)
                for labels, data in self._histograms[family.name].items():
                    histogram.add_metric(labels, data.cumulative(), data.total)
                return histogram
            case catalog.Kind.GAUGE:
                gauge = GaugeMetricFamily(family.name, family.help)
                if family.name in self._gauges:
                    gauge.add_metric((), self._gauges[family.name])
                return gauge
