"""Moving averages: simple and exponential."""

from collections.abc import Sequence

import numpy as np

from seatrial_trading.quant.column import Floats, column, window
from seatrial_trading.quant.jit import compiled


def sma(values: Floats | Sequence[float], n: int) -> Floats:
    """Return the simple moving average: the mean of the last `n` values, NaN before index n-1 and with a NaN inside.

    Args:
        values: float64[m].
        n: Window in bars, 1 to 1,000,000.

    Returns:
        float64[m].

    Raises:
        ValidationFailed: `n` is out of range.

    Example:
        >>> sma([1, 2, 3, 4], 2).tolist()
        [nan, 1.5, 2.5, 3.5]
    """
    return _sma(column(values), window("n", n))


def ema(values: Floats | Sequence[float], n: int) -> Floats:
    """Return the exponential average with alpha = 2/(n+1), seeded with the SMA of the first `n` values.

    After a NaN it is undefined until `n` clean values have passed, which seed it again.

    Args:
        values: float64[m].
        n: Window in bars, 1 to 1,000,000.

    Returns:
        float64[m].

    Raises:
        ValidationFailed: `n` is out of range.

    Example:
        >>> ema([1, 2, 3, 6], 3).tolist()
        [nan, nan, 2.0, 4.0]
    """
    return _ema(column(values), window("n", n))


@compiled
def _sma(values: Floats, n: int) -> Floats:
    # Window = the tail of the block before + the head of this block, as offsets from the block's first value, which
    # every such window contains: nothing is ever subtracted, so nothing drifts and a flat window is exact.
    size = values.shape[0]
    result = np.full(size, np.nan)
    tail = np.zeros(n + 1)
    for start in range(0, size, n):
        pivot = values[start]
        total = 0.0
        for back in range(1, n if start > 0 else 1):
            total += values[start - back] - pivot
            tail[back] = total
        total = 0.0
        for i in range(start, min(start + n, size)):
            total += values[i] - pivot
            behind = n - 1 - (i - start)
            if i >= n - 1:
                result[i] = pivot + (total + tail[behind]) / n
    return result


@compiled
def _ema(values: Floats, n: int) -> Floats:
    size = values.shape[0]
    result = np.full(size, np.nan)
    alpha = 2.0 / (n + 1.0)
    clean = 0
    total = 0.0
    average = 0.0
    for i in range(size):
        value = values[i]
        if value != value:
            clean = 0
            total = 0.0
            continue
        clean += 1
        if clean < n:
            total += value
        elif clean == n:
            average = (total + value) / n
            result[i] = average
        else:
            average += alpha * (value - average)
            result[i] = average
    return result
