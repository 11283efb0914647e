"""Adjusts prices for stock splits that the caller names; a fall that nobody called a split stays a fall."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.data.readers import refused

Split = tuple[str, float]
Splits = Mapping[str, Sequence[Split]]


def factors(time_ms: NDArray[np.int64], splits: Sequence[Split]) -> NDArray[np.float64]:
    """Return, for each bar, how many of the last bar's shares one share of then became.

    Args:
        time_ms: Opens of the bars, UTC epoch milliseconds.
        splits: (first day of the new shares, new shares for one old), any order.
    """
    result = np.ones(len(time_ms))
    for day, ratio in splits:
        result[time_ms < _day_ms(day)] *= _checked(ratio)
    return result


def parse(texts: Sequence[str]) -> list[Split]:
    """Return splits written as DATE=RATIO (`2005-02-28=2`)."""
    found = []
    for text in texts:
        day, _, ratio = text.partition("=")
        try:
            found.append((day.strip(), _checked(float(ratio))))
            _day_ms(day.strip())
        except ValueError as error:
            raise refused("split", text, "DATE=RATIO, such as 2005-02-28=2") from error
    return found


def _day_ms(day: str) -> int:
    try:
        when = date.fromisoformat(day)
    except (TypeError, ValueError) as error:
        raise refused("splits", day, "an ISO date, such as 2005-02-28") from error
    return int(datetime(when.year, when.month, when.day, tzinfo=UTC).timestamp() * 1000)


def _checked(ratio: float) -> float:
    if not np.isfinite(ratio) or ratio <= 0:
        raise refused("splits", ratio, "a number of new shares for one old, above 0")
    return float(ratio)
