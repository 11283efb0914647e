"""Quantiles of latencies, in which an answer that never came counts as infinitely late."""

import math
from collections.abc import Sequence


def quantile(values: Sequence[float], p: float) -> float:
    """Return the p-quantile by the nearest-rank rule: the smallest value that at least p of all do not exceed.

    Args:
        values: Any order; infinite ones count, an empty sequence gives NaN.
        p: Above 0, below 1.
    """
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(p * len(ordered)) - 1)]
