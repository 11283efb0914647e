"""Sums counters by label set with a budget of values per label."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from seatrial_core.catalog import Metric
from seatrial_core.label_budget import OTHER, LabelBudget
from seatrial_metrics.counters import CounterKey

NO_STRATEGY = "manual"

Labels = tuple[str, ...]


@dataclass(frozen=True)
class LabelNames:
    """Which values of the first label have series of their own, as stored.

    Args:
        named: The values by (environment, family); a family without an entry admits values in the order of its rows.
        other: What each counter counted while its value had no name; it stays in `__other__`, which never falls.
    """

    named: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    other: Mapping[CounterKey, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class LimitedLabels:
    """The sums of one family by label set, and how many values of each label are summed as `__other__`."""

    values: Mapping[Labels, Decimal]
    overflow: Mapping[str, int]


def limit_cardinality(
    counters: Iterable[tuple[CounterKey, Decimal]],
    metric: Metric,
    extra: int,
    values_per_label: int,
    names: LabelNames | None = None,
) -> LimitedLabels:
    """Return the sums of a family by its labels; their total is that of the counters.

    Args:
        counters: The rows of the family in one environment, in the order in which they were first counted.
        metric: Names the labels.
        extra: How many key parts follow the labels (a histogram's bucket: 1); they have no budget.
        values_per_label: How many values a label may have, `__other__` not included.
        names: The values of the first label that have a series.
    """
    budget = LabelBudget(values_per_label)
    names = names or LabelNames()
    values: dict[Labels, Decimal] = {}
    overflow: dict[str, set[str]] = {name: set() for name in metric.labels}
    for key, value in counters:
        labels = _labels(key, metric, extra)
        limited = [budget.limit(metric.name, name, label) for name, label in zip(metric.labels, labels, strict=False)]
        named = names.named.get((key.environment, key.family))
        other = Decimal(0)
        if named is not None and metric.labels:
            limited[0] = labels[0] if key.first in named else OTHER
            other = names.other.get(key, other) if key.first in named else value
        for name, label, shown in zip(metric.labels, labels, limited, strict=False):
            if shown == OTHER and label != OTHER:
                overflow[name].add(label)
        rest = (*limited[1:], *labels[len(metric.labels) :])
        if other:
            _add(values, (OTHER, *rest), other)
        if not other or limited[0] != OTHER:
            _add(values, (*limited[:1], *rest), value - other)
    return LimitedLabels(values, {name: len(dropped) for name, dropped in overflow.items()})


def _add(values: dict[Labels, Decimal], row: Labels, value: Decimal) -> None:
    values[row] = values.get(row, Decimal(0)) + value


def _labels(key: CounterKey, metric: Metric, extra: int) -> Labels:
    parts = (key.first, key.second, key.third)
    if not metric.labels:
        return parts[1 : 1 + extra]  # a family without labels leaves the first part empty
    labels = parts[: len(metric.labels) + extra]
    if metric.labels[0] == "strategy" and not labels[0]:
        return (NO_STRATEGY, *labels[1:])
    return labels
