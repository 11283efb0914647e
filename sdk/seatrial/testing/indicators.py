"""Indicators for strategy callbacks, with the same formula as the built-in strategies."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from seatrial_trading.quant.indicators import rsi


def calculate_rsi(historical_data: Any, period: int = 14) -> float:  # Any: the view, bars or closes
    """Return Wilder's RSI of the last bar, or NaN during the warm-up period, so that `< 30` is False.

    Args:
        historical_data: A strategy callback's view (O(1)), a sequence of bars with a `close`, a DataFrame with that
            column, or the closes themselves.
        period: Number of bars, >= 1.
    """
    method = getattr(historical_data, "rsi", None)
    if callable(method):
        return float(method(period))
    closes = _closes(historical_data)
    return float(rsi(closes, period)[-1]) if closes else math.nan


def _closes(data: Any) -> list[float]:
    if isinstance(data, Mapping) or hasattr(data, "columns"):
        return [float(close) for close in data["close"]]
    rows: Sequence[Any] = list(data)
    return [float(row["close"]) if isinstance(row, Mapping) else float(row) for row in rows]
