"""Files of which many rows are bad: the same rows are accepted as by reading row after row, in little memory."""

import math
import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial_backtesting.data.bad_rows import MAX_LISTED
from seatrial_backtesting.data.csv_tables import CHUNK_ROWS
from seatrial_backtesting.data.loader import LoadOptions, load
from seatrial_trading.quant.candles import CandleError

HEADER = "time,open,high,low,close,volume\n"
DAY_MS = 86_400_000
PRICES = st.sampled_from(["1", "2.5", "1,5", "0", "-1", "nan", "inf", "", "x", "1e3"])
VOLUMES = st.sampled_from(["1", "", "0", "x", "-2", "nan"])
MANY = 30_000


def number(text: str, *, empty: float | None = None) -> float | None:
    """Return a cell as a number, or None."""
    plain = text.replace(",", "")
    if not plain and empty is not None:
        return empty
    try:
        return float(plain)
    except ValueError:
        return None


def is_bar(row: tuple[str, ...]) -> bool:
    """Return whether the cells of a row are those of a bar."""
    prices = [number(cell) for cell in row[:4]]
    volume = number(row[4], empty=0.0)
    values = [*prices, volume]
    if any(value is None or not math.isfinite(value) for value in values):
        return False
    opening, high, low, close = (value for value in prices if value is not None)
    is_positive = min(opening, high, low, close) > 0 and (volume or 0) >= 0
    return is_positive and low <= min(opening, close) and max(opening, close) <= high


def document(rows: Sequence[tuple[str, ...]]) -> bytes:
    """Return a CSV with one row per day."""
    quoted = [",".join(f'"{cell}"' for cell in row) for row in rows]
    lines = [f"{day * DAY_MS},{cells}" for day, cells in enumerate(quoted, start=20_000)]
    return (HEADER + "\n".join(lines) + "\n").encode()


@given(st.lists(st.tuples(PRICES, PRICES, PRICES, PRICES, VOLUMES), min_size=1, max_size=120))
def test_dropping_accepts_the_rows_that_are_bars(rows: list[tuple[str, ...]]) -> None:
    expected = [day * DAY_MS for day, row in enumerate(rows, start=20_000) if is_bar(row)]
    try:
        loaded = load(document(rows), LoadOptions(on_bad_bar="drop"))
    except CandleError as error:
        assert expected == []
        assert f"bad rows: {len(rows)}" in error.detail
        return

    assert loaded.candles.time_ms.tolist() == expected
    assert loaded.data_quality["dropped"] == len(rows) - len(expected)
    listed = [item["row"] for item in loaded.data_quality["dropped_rows"]]
    assert listed == [line for line, row in enumerate(rows, start=2) if not is_bar(row)][:MAX_LISTED]


def test_the_first_reasons_quote_the_cells_across_parts_of_a_file() -> None:
    good = ("1", "2", "1", "1", "1")
    rows = [good] * (CHUNK_ROWS + 5)
    rows[3] = ("oops", "x", "1", "1", "1")
    rows[CHUNK_ROWS + 1] = ("1", "2", "1", "why", "1")

    loaded = load(document(rows), LoadOptions(on_bad_bar="drop"))

    assert loaded.data_quality["dropped_rows"] == [
        {"row": 5, "reason": "open is 'oops', which is not a number"},
        {"row": CHUNK_ROWS + 3, "reason": "close is 'why', which is not a number"},
    ]


@pytest.mark.parametrize("row", ["1,a,b,c,d,e", "x,1,2,1,1,1", "1,-1,1,1,1,1"])
def test_many_bad_rows_cost_little_memory(row: str) -> None:
    content = (HEADER + f"{row}\n" * MANY).encode()
    tracemalloc.start()
    try:
        with pytest.raises(CandleError, match=f"bad rows: {MANY}") as caught:
            load(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(caught.value.errors) == MAX_LISTED
    assert peak < 400 * MANY + (8 << 20)  # bytes; a text for the reason of each row took 1,000 per row


def test_a_number_beyond_64_bits_among_times_is_a_bad_row() -> None:
    content = (HEADER + "1,1,1,1,1,1\n2,1,1,1,1,1\nabc,1,1,1,1,1\n1e300,1,1,1,1,1\n").encode()

    loaded = load(content, LoadOptions(on_bad_bar="drop", interval_ms=1))

    assert np.array_equal(loaded.candles.time_ms, [1000, 2000])
