"""Limits the values of a metric label: the first ones keep their name, all further ones share `__other__`.

Prometheus stores one time series for each label set, so a label without a limit can fill its memory.
"""

OTHER = "__other__"
# The default number of values of one label, `__other__` not included: room for every strategy or endpoint of a bot,
# while a family with one such label stays below 101 series (histograms: 101 times their buckets).
LABEL_BUDGET = 100
# Labels with a small set of usual values; a larger LABEL_BUDGET does not raise these.
SMALL_BUDGETS = {"side": 8, "status": 16, "outcome": 8, "type": 16}


class LabelBudget:
    """Remembers which label values have used the budget; memory is bounded by the budget.

    Args:
        values_per_label: How many values a label of one family may have, >= 1.
    """

    def __init__(self, values_per_label: int = LABEL_BUDGET) -> None:
        self._values_per_label = values_per_label
        self._admitted: dict[tuple[str, str], set[str]] = {}

    def limit(self, family: str, label: str, value: str) -> str:
        """Return `value` while the budget of this label of this family has room for it, else `__other__`."""
        admitted = self._admitted.setdefault((family, label), set())
        if value in admitted:
            return value
        if len(admitted) >= SMALL_BUDGETS.get(label, self._values_per_label):
            return OTHER
        admitted.add(value)
        return value
