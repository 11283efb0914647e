"""Volatility indicators: rolling deviation, Bollinger bands, true range, ATR."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seatrial_core.errors import field_error
from seatrial_trading.quant.column import Floats, column, window
from seatrial_trading.quant.jit import compiled


class Bands(NamedTuple):
    """Upper, middle and lower line, float64[m] each."""

    upper: Floats
    middle: Floats
    lower: Floats


def rolling_std(values: Floats | Sequence[float], n: int) -> Floats:
    """Return the population standard deviation (ddof 0) of the last `n` values, float64[m].

    Args:
        values: float64[m].
        n: Window in bars, 1 to 1,000,000.

    Raises:
        ValidationFailed: `n` is out of range.

    Example:
        >>> rolling_std([1, 3, 3], 2).tolist()
        [nan, 1.0, 0.0]
    """
    return _mean_and_std(column(values), window("n", n))[1]


def bollinger(close: Floats | Sequence[float], n: int = 20, k: float = 2.0) -> Bands:
    """Return SMA(n) plus and minus `k` population standard deviations of the same n closes.

    Args:
        close: Closes of the bars, float64[m].
        n: Window in bars, 1 to 1,000,000.
        k: Number of standard deviations, 0 or more.

    Raises:
        ValidationFailed: `n` or `k` is out of range.

    Example:
        >>> bollinger([1, 3, 3], n=2, k=2).upper.tolist()
        [nan, 4.0, 3.0]
    """
    if not 0.0 <= k < float("inf"):
        raise field_error("k", k, "a finite number of standard deviations, 0 or more")
    mean, std = _mean_and_std(column(close), window("n", n))
    std *= k
    return Bands(mean + std, mean, mean - std)


def true_range(
    high: Floats | Sequence[float], low: Floats | Sequence[float], close: Floats | Sequence[float]
) -> Floats:
    """Return max(high, close before) - min(low, close before); NaN at index 0, which has no close before.

    Args:
        high: Highs of the bars, float64[m].
        low: Lows of the bars, float64[m].
        close: Closes of the bars, float64[m].

    Returns:
        float64[m].

    Example:
        >>> true_range([2, 5], [1, 4], [1, 5]).tolist()
        [nan, 4.0]
    """
    highs, lows, closes = column(high), column(low), column(close)
    result = np.full(len(closes), np.nan)
    result[1:] = np.maximum(highs[1:], closes[:-1]) - np.minimum(lows[1:], closes[:-1])
    return result


def atr(
    high: Floats | Sequence[float], low: Floats | Sequence[float], close: Floats | Sequence[float], n: int = 14
) -> Floats:
    """Return Wilder's average of the true range; the first value, at index n, is the mean of TR 1 to n.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems, 1978.

    Args:
        high: Highs of the bars, float64[m].
        low: Lows of the bars, float64[m].
        close: Closes of the bars, float64[m].
        n: Window in bars, 1 to 1,000,000.

    Returns:
        float64[m].

    Raises:
        ValidationFailed: `n` is out of range.

    Example:
        >>> atr([2, 5, 6], [1, 4, 4], [1, 5, 5], n=1).tolist()
        [nan, 4.0, 2.0]
    """
    return _wilder(true_range(high, low, close), window("n", n))


@compiled
def _mean_and_std(values: Floats, n: int) -> tuple[Floats, Floats]:
    # As in averages.py, with squares: the pivot is inside the window, so the subtraction below cannot lose more than
    # a factor n of precision (the shifted-data algorithm of Chan, Golub and LeVeque), and a flat window gives 0.
    size = values.shape[0]
    mean = np.full(size, np.nan)
    std = np.full(size, np.nan)
    tail = np.zeros(n + 1)
    tail_squares = np.zeros(n + 1)
    for start in range(0, size, n):
        pivot = values[start]
        total = 0.0
        squares = 0.0
        for back in range(1, n if start > 0 else 1):
            offset = values[start - back] - pivot
            total += offset
            squares += offset * offset
            tail[back] = total
            tail_squares[back] = squares
        total = 0.0
        squares = 0.0
        for i in range(start, min(start + n, size)):
            offset = values[i] - pivot
            total += offset
            squares += offset * offset
            if i >= n - 1:
                behind = n - 1 - (i - start)
                drift = (total + tail[behind]) / n
                variance = (squares + tail_squares[behind]) / n - drift * drift
                mean[i] = pivot + drift
                std[i] = np.sqrt(max(variance, 0.0))
    return mean, std


@compiled
def _wilder(values: Floats, n: int) -> Floats:
    size = values.shape[0]
    result = np.full(size, np.nan)
    clean = 0
    average = 0.0
    for i in range(size):
        value = values[i]
        if value != value:
            clean = 0
            average = 0.0
            continue
        clean += 1
        if clean < n:
            average += value
        elif clean == n:
            average = (average + value) / n
            result[i] = average
        else:
            average = (average * (n - 1) + value) / n
            result[i] = average
    return result
