"""Adjusts prices for the stock splits that the caller names; splits are never guessed from a fall in price."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.data.columns import Arrays
from seatrial_backtesting.data.errors import data_error
from seatrial_trading.quant.candles import PRICES

Split = tuple[str, float]
Splits = Mapping[str, Sequence[Split]]


def apply(arrays: Arrays, splits: Sequence[Split]) -> Arrays:
    """Return prices and volume in shares as of the last bar.

    Args:
        arrays: Columns `time open high low close volume`, all [n]; time in UTC epoch milliseconds.
        splits: (first day of the new shares, new shares per old share), in any order.

    Raises:
        DataError: A day is not an ISO date, or a ratio is not above 0.
    """
    if not splits:
        return arrays
    factor = _factors(arrays["time"], splits)
    prices = {name: arrays[name] / factor for name in PRICES}
    return {**prices, "time": arrays["time"], "volume": arrays["volume"] * factor}


def parse(texts: Sequence[str]) -> list[Split]:
    """Parse splits written as DATE=RATIO, such as `2005-02-28=2`.

    Raises:
        DataError: A text is not of that form.
    """
    splits = []
    for text in texts:
        day, _, ratio = text.partition("=")
        try:
            splits.append((day.strip(), _check_ratio(float(ratio))))
            _day_ms(day.strip())
        except ValueError as error:
            raise data_error("split", text, "DATE=RATIO, such as 2005-02-28=2") from error
    return splits


def _factors(time_ms: NDArray[np.int64], splits: Sequence[Split]) -> NDArray[np.float64]:
    factors = np.ones(len(time_ms))
    for day, ratio in splits:
        factors[time_ms < _day_ms(day)] *= _check_ratio(ratio)
    return factors


def _day_ms(text: str) -> int:
    try:
        day = date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise data_error("splits", text, "an ISO date, such as 2005-02-28") from error
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _check_ratio(ratio: float) -> float:
    if not np.isfinite(ratio) or ratio <= 0:
        raise data_error("splits", ratio, "new shares per old share, a number above 0")
    return float(ratio)
