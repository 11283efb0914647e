"""Keeps the number of label values within a budget: who came first keeps its name, the rest is summed as one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from seatrial_core.catalog import Metric
from seatrial_metrics.counters import CounterKey

OTHER = "__other__"
NO_STRATEGY = "manual"
# Sets that are closed in spirit get small budgets of their own.
SMALL_BUDGETS = {"side": 8, "status": 16, "outcome": 8, "type": 16}

Labels = tuple[str, ...]


@dataclass(frozen=True)
class LimitedLabels:
    """The values of one family by label set, and how many label values were folded away, by label."""

    values: Mapping[Labels, Decimal]
    overflow: Mapping[str, int]


def limit_cardinality(
    counters: Iterable[tuple[CounterKey, Decimal]], metric: Metric, extra: int, budget: int
) -> LimitedLabels:
    """Return the sums of a family by its labels; the sum over all labels is what it was before.

    Args:
        counters: The rows of the family, in the order they were first seen.
        metric: Names the labels.
        extra: How many more key parts follow the labels (a histogram's bucket), kept as they are.
        budget: How many values a label may have; `__other__` comes on top.
    """
    rows = [(_labels(key, metric, extra), value) for key, value in counters]
    allowed: list[dict[str, None]] = [{} for _ in metric.labels]
    folded: list[set[str]] = [set() for _ in metric.labels]
    for labels, _ in rows:
        for position, name in enumerate(metric.labels):
            _admit(labels[position], allowed[position], folded[position], SMALL_BUDGETS.get(name, budget))
    values: dict[Labels, Decimal] = {}
    for labels, value in rows:
        kept = tuple(
            label if position >= len(allowed) or label in allowed[position] else OTHER
            for position, label in enumerate(labels)
        )
        values[kept] = values.get(kept, Decimal(0)) + value
    return LimitedLabels(values, {name: len(folded[position]) for position, name in enumerate(metric.labels)})


def _admit(label: str, allowed: dict[str, None], folded: set[str], budget: int) -> None:
    if label in allowed:
        return
    if len(allowed) < budget:
        allowed[label] = None
    else:
        folded.add(label)


def _labels(key: CounterKey, metric: Metric, extra: int) -> Labels:
    parts = (key.first, key.second, key.third)
    if not metric.labels:
        return parts[1 : 1 + extra]  # a family without labels leaves the first part empty
    labels = parts[: len(metric.labels) + extra]
    if metric.labels[0] == "strategy" and not labels[0]:
        return (NO_STRATEGY, *labels[1:])
    return labels
