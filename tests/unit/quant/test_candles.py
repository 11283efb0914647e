"""Bars are validated where they come in, with the list of the bad ones, and cannot be changed afterwards."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial_trading.quant.candles import CandleError, Candles

GOOD: dict[str, list[Any]] = {  # Any: numbers
    "time": [0, 60_000, 120_000],
    "open": [100.0, 101.0, 102.0],
    "high": [102.0, 103.0, 104.0],
    "low": [99.0, 100.0, 101.0],
    "close": [101.0, 102.0, 103.0],
    "volume": [1.0, 0.0, 2.0],
}


def with_(**columns: list[float]) -> dict[str, list[float]]:
    return {**{name: list(column) for name, column in GOOD.items()}, **columns}


def test_columns_go_in_and_come_out_alike() -> None:
    candles = Candles.from_columns("X", GOOD)

    assert candles.to_columns() == GOOD
    assert candles.interval_ms == 60_000
    assert len(candles) == 3


def test_volume_may_be_missing() -> None:
    candles = Candles.from_columns("X", {name: column for name, column in GOOD.items() if name != "volume"})

    assert candles.volume.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("columns", "row", "reason"),
    [
        (with_(close=[101.0, float("nan"), 103.0]), 1, "close is not a finite number"),
        (with_(open=[0.0, 101.0, 102.0]), 0, "open is not above zero"),
        (with_(low=[99.0, 101.5, 101.0]), 1, "low is above open or close"),
        (with_(high=[102.0, 103.0, 102.5]), 2, "high is below open or close"),
        (with_(time=[0, 0, 60_000]), 1, "time repeats the bar before"),
        (with_(time=[0, 60_000, 30_000]), 2, "time goes back"),
        (with_(volume=[1.0, -1.0, 2.0]), 1, "volume is not a number of at least zero"),
    ],
)
def test_a_bad_row_is_named_with_its_reason(columns: dict[str, list[float]], row: int, reason: str) -> None:
    with pytest.raises(CandleError) as caught:
        Candles.from_columns("X", columns)

    assert [(error.field, error.allowed) for error in caught.value.errors] == [(f"candles[{row}]", reason)]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"time": [0]}, "lack the columns open, high, low, close"),
        (with_(close=[1.0]), "different lengths"),
        ({name: [] for name in GOOD}, "no candles"),
        (with_(close=["a", "b", "c"]), "columns of numbers"),  # type: ignore[list-item]
    ],
)
def test_an_invalid_table_of_bars_is_rejected(columns: dict[str, list[float]], words: str) -> None:
    with pytest.raises(CandleError, match=words):
        Candles.from_columns("X", columns)


def test_arrays_are_read_only_and_apart_from_what_was_given() -> None:
    close = np.array(GOOD["close"])
    candles = Candles.from_columns("X", {**GOOD, "close": close})  # type: ignore[dict-item]

    close[0] = 1.0

    assert candles.close[0] == 101.0
    with pytest.raises(ValueError, match="read-only"):
        candles.close[0] = 5.0


@given(st.integers(0, 3))
def test_a_head_shares_memory_and_shows_nothing_later(bars: int) -> None:
    candles = Candles.from_columns("X", GOOD)

    head = candles.head(bars)

    assert len(head) == bars
    assert head.close.tolist() == GOOD["close"][:bars]
    assert not bars or np.shares_memory(head.close, candles.close)
    assert head.interval_ms == candles.interval_ms


def test_gaps_are_kept_and_the_most_frequent_distance_is_the_interval() -> None:
    columns = with_(time=[0, 60_000, 360_000])

    assert Candles.from_columns("X", columns, 60_000).time_ms.tolist() == [0, 60_000, 360_000]
    assert Candles.from_columns("X", columns).interval_ms == 60_000
