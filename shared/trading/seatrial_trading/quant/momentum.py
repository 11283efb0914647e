"""Momentum indicators: Wilder's RSI and MACD."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seatrial_core.errors import field_error
from seatrial_trading.quant.averages import ema
from seatrial_trading.quant.column import Floats, column, window
from seatrial_trading.quant.jit import compiled

# After thousands of flat bars what is left of the last move is noise, and denormal numbers would be slow: such a rest
# counts as no move. Looking once a block keeps it out of the loop's chain of dependencies.
BLOCK = 256
DECAYED = 1e-200


class Macd(NamedTuple):
    """The MACD line, its signal line and their difference, float64[m] each."""

    line: Floats
    signal: Floats
    histogram: Floats


def rsi(close: Floats | Sequence[float], n: int = 14) -> Floats:
    """Return Wilder's relative strength index, 0 to 100, first value at index n.

    No move at all is 50. A NaN close leaves it undefined until n+1 clean closes have passed.
    Source: J. W. Wilder, New Concepts in Technical Trading Systems, 1978.

    Args:
        close: Closes of the bars, float64[m].
        n: Window in bars, 1 to 1,000,000.

    Returns:
        float64[m].

    Raises:
        ValidationFailed: `n` is out of range.

    Example:
        >>> rsi([1, 2, 1, 2], 2).tolist()
        [nan, nan, 50.0, 75.0]
    """
    return _rsi(column(close), window("n", n))


def macd(close: Floats | Sequence[float], fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Return EMA(fast) - EMA(slow), its EMA(signal) and their difference.

    Both averages start at the same bar, slow-1, each seeded with the SMA of its last closes there (as TA-Lib does).

    Args:
        close: Closes of the bars, float64[m].
        fast: Window of the fast average in bars, 1 to 1,000,000.
        slow: Window of the slow average in bars, more than `fast`.
        signal: Window of the signal line in bars, 1 to 1,000,000.

    Raises:
        ValidationFailed: A window is out of range, or `fast` is not less than `slow`.

    Example:
        >>> macd([1, 2, 3, 4], fast=1, slow=2, signal=1).line.tolist()
        [nan, 0.5, 0.5, 0.5]
    """
    fast, slow, signal = window("fast", fast), window("slow", slow), window("signal", signal)
    if fast >= slow:
        raise field_error("fast", fast, f"less than slow, which is {slow}")
    line = _ema_difference(column(close), fast, slow)
    average = ema(line, signal)
    return Macd(line, average, line - average)


@compiled
def _rsi(close: Floats, n: int) -> Floats:
    size = close.shape[0]
    result = np.full(size, np.nan)
    keep = (n - 1.0) / n
    share = 1.0 / n
    clean = 0
    gain = 0.0
    loss = 0.0
    before = np.nan
    for block in range(0, size, BLOCK):
        if gain + loss < DECAYED:
            gain = 0.0
            loss = 0.0
        for i in range(block, min(block + BLOCK, size)):
            move = close[i] - before
            before = close[i]
            if move != move:
                clean = 0
                gain = 0.0
                loss = 0.0
                continue
            up = max(move, 0.0)
            down = max(-move, 0.0)
            clean += 1
            if clean > n:
                gain = gain * keep + up * share
                loss = loss * keep + down * share
            elif clean < n:
                gain += up
                loss += down
                continue
            else:
                gain = (gain + up) / n
                loss = (loss + down) / n
            total = gain + loss
            result[i] = 100.0 * (gain / total) if total > 0.0 else 50.0
    return result


@compiled
def _ema_difference(close: Floats, fast: int, slow: int) -> Floats:
    size = close.shape[0]
    result = np.full(size, np.nan)
    fast_alpha = 2.0 / (fast + 1.0)
    slow_alpha = 2.0 / (slow + 1.0)
    clean = 0
    fast_average = 0.0
    slow_average = 0.0
    for i in range(size):
        value = close[i]
        if value != value:
            clean = 0
            fast_average = 0.0
            slow_average = 0.0
            continue
        clean += 1
        if clean <= slow:
            slow_average += value / slow
            if clean > slow - fast:
                fast_average += value / fast
        else:
            fast_average += fast_alpha * (value - fast_average)
            slow_average += slow_alpha * (value - slow_average)
        if clean >= slow:
            result[i] = fast_average - slow_average
    return result
