"""Rolling extremes and Donchian channels."""

from collections.abc import Sequence

import numpy as np

from seatrial_trading.quant.column import Floats, column, window
from seatrial_trading.quant.jit import compiled
from seatrial_trading.quant.volatility import Bands


def rolling_max(values: Floats | Sequence[float], n: int) -> Floats:
    """Return the highest of the last `n` values; NaN before index n-1 and while a NaN is in the window.

    Args:
        values: float64[m].
        n: Window in bars, 1 to 1,000,000.

    Returns:
        float64[m].

    Raises:
        ValidationFailed: `n` is out of range.

    Example:
        >>> rolling_max([1, 3, 2], 2).tolist()
        [nan, 3.0, 3.0]
    """
    return _rolling_max(column(values), window("n", n))


def rolling_min(values: Floats | Sequence[float], n: int) -> Floats:
    """Return the lowest of the last `n` values; NaN before index n-1 and while a NaN is in the window.

    Args:
        values: float64[m].
        n: Window in bars, 1 to 1,000,000.

    Returns:
        float64[m].

    Raises:
        ValidationFailed: `n` is out of range.

    Example:
        >>> rolling_min([1, 3, 2], 2).tolist()
        [nan, 1.0, 2.0]
    """
    return -_rolling_max(column(-column(values)), window("n", n))


def donchian(high: Floats | Sequence[float], low: Floats | Sequence[float], n: int = 20) -> Bands:
    """Return the highest high, the lowest low and their middle over the last `n` bars, this bar included.

    Args:
        high: Highs of the bars, float64[m].
        low: Lows of the bars, float64[m].
        n: Window in bars, 1 to 1,000,000.

    Raises:
        ValidationFailed: `n` is out of range.

    Example:
        >>> donchian([2, 4, 3], [1, 2, 2], 2).middle.tolist()
        [nan, 2.5, 3.0]
    """
    upper, lower = rolling_max(high, n), rolling_min(low, n)
    return Bands(upper, (upper + lower) / 2.0, lower)


@compiled
def _rolling_max(values: Floats, n: int) -> Floats:
    # Van Herk's two blocks: the tail of the block before and the head of this one; `x != x` lets NaN through.
    size = values.shape[0]
    result = np.full(size, np.nan)
    tail = np.full(n + 1, -np.inf)
    for start in range(0, size, n):
        best = -np.inf
        for back in range(1, n if start > 0 else 1):
            value = values[start - back]
            if value > best or value != value:
                best = value
            tail[back] = best
        best = -np.inf
        for i in range(start, min(start + n, size)):
            value = values[i]
            if value > best or value != value:
                best = value
            behind = n - 1 - (i - start)
            if i >= n - 1:
                older = tail[behind]
                result[i] = older if older > best or older != older else best
    return result
