"""Indicators for strategy callbacks, with the same formulas as the built-in strategies."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from seatrial.lazy import raise_missing_extra

try:
    from seatrial_trading.quant.indicators import rsi
except ModuleNotFoundError as missing:
    raise_missing_extra(missing, "calculate_rsi")


def calculate_rsi(historical_data: Any, period: int = 14) -> float:  # Any: a history, bars or closes
    """Return Wilder's RSI of the last bar, 0 to 100; NaN during the warm-up, so that `< 30` is False then.

    Args:
        historical_data: The history that a callback gets (O(1)), a sequence of bars with a `close`, a DataFrame with
            that column, or the closes.
        period: Length of the RSI in bars.
    """
    compute_rsi = getattr(historical_data, "rsi", None)
    if callable(compute_rsi):
        return float(compute_rsi(period))
    closes = _closes(historical_data)
    return float(rsi(closes, period)[-1]) if closes else math.nan


def _closes(data: Any) -> list[float]:
    if isinstance(data, Mapping) or hasattr(data, "columns"):
        return [float(close) for close in data["close"]]
    rows: Sequence[Any] = list(data)
    return [float(row["close"]) if isinstance(row, Mapping) else float(row) for row in rows]
