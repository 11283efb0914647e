"""Bars load from every dialect; bad rows are rejected or counted, real crashes stay, nothing is filled in."""

import gzip
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from seatrial_backtesting.data.errors import DataError
from seatrial_backtesting.data.loader import LoadOptions, load
from seatrial_trading.quant.candles import CandleError

FIRST_MS = 1_577_836_800_000  # 2020-01-01T00:00Z
DAY_MS = 86_400_000
PRICES = [(100.0, 102.0, 99.0, 101.0, 5.0), (101.0, 103.0, 100.0, 102.5, 6.0), (102.5, 104.0, 101.0, 101.5, 7.0)]


@dataclass(frozen=True)
class Dialect:
    """A way to write the same three daily bars."""

    id: str
    text: str
    naive: int = 0


def _lines(header: str | None, stamps: list[str], separator: str = ",", prices: bool = True) -> str:
    rows = [separator.join([stamp, *map(repr, row)]) for stamp, row in zip(stamps, PRICES, strict=True)]
    return "\n".join(([header] if header else []) + rows) + "\n"


DAYS = ["2020-01-01", "2020-01-02", "2020-01-03"]
SECONDS = [str((FIRST_MS + i * DAY_MS) // 1000) for i in range(3)]
MILLIS = [str(FIRST_MS + i * DAY_MS) for i in range(3)]
HEADER = "timestamp,open,high,low,close,volume"
DIALECTS = [
    Dialect("iso_z", _lines(HEADER, [f"{day}T00:00:00Z" for day in DAYS])),
    Dialect("iso_offset", _lines(HEADER, [f"{day}T02:00:00+02:00" for day in DAYS])),
    Dialect("iso_naive_space", _lines(HEADER, [f"{day} 00:00:00" for day in DAYS]), naive=3),
    Dialect("day_only_capitals", _lines("Date,Open,High,Low,Close,Volume", DAYS), naive=3),
    Dialect("epoch_seconds", _lines("time,open,high,low,close,volume", SECONDS)),
    Dialect("epoch_milliseconds", _lines("open_time,open,high,low,close,volume", MILLIS)),
    Dialect("epoch_fraction", _lines("unix,open,high,low,close,volume", [f"{second}.0" for second in SECONDS])),
    Dialect("semicolon", _lines(HEADER.replace(",", ";"), [f"{day}T00:00:00Z" for day in DAYS], ";")),
    Dialect("tab", _lines(HEADER.replace(",", "\t"), [f"{day}T00:00:00Z" for day in DAYS], "\t")),
    Dialect("no_header", _lines(None, MILLIS)),
    Dialect("histdata", _lines(None, [f"{day.replace('-', '')} 000000" for day in DAYS], ";"), naive=3),
    Dialect(
        "dots_and_two_columns",
        _lines(
            "<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<TICKVOL>", [f"{day.replace('-', '.')},00:00:00" for day in DAYS]
        ),
        naive=3,
    ),
    Dialect("byte_order_mark", "\ufeff" + _lines(HEADER, [f"{day}T00:00:00Z" for day in DAYS])),
    Dialect("preamble", "https://www.example.com\n" + _lines(HEADER, [f"{day}T00:00:00Z" for day in DAYS])),
    Dialect("more_columns", _lines(HEADER + ",note", [f"{day}T00:00:00Z" for day in DAYS]).replace("\n2", ",x\n2")),
]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.id)
def test_every_dialect_gives_the_same_bars(dialect: Dialect) -> None:
    loaded = load(dialect.text.encode("utf-8"), LoadOptions("X"))

    assert loaded.candles.time_ms.tolist() == [FIRST_MS + i * DAY_MS for i in range(3)]
    assert loaded.candles.close.tolist() == [101.0, 102.5, 101.5]
    assert loaded.candles.volume.tolist() == [5.0, 6.0, 7.0]
    assert loaded.candles.interval_ms == DAY_MS
    assert loaded.data_quality["naive_timestamps"] == dialect.naive


def _csv(tmp_path: Path, name: str = "BTCUSDT.csv") -> Path:
    path = tmp_path / name
    text = _lines(HEADER, [f"{day}T00:00:00Z" for day in DAYS])
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["BTCUSDT.csv", "BTCUSDT.csv.gz", "BTCUSDT.txt"])
def test_the_symbol_is_the_files_stem(tmp_path: Path, name: str) -> None:
    assert load(_csv(tmp_path, name)).candles.symbol == "BTCUSDT"
    assert load(str(_csv(tmp_path, name)), LoadOptions("ETH")).candles.symbol == "ETH"


def test_parquet_and_frames_give_the_same_bars(tmp_path: Path) -> None:
    stamps = pd.to_datetime(DAYS, utc=True)
    frame = pd.DataFrame(PRICES, columns=["Open", "High", "Low", "Close", "Volume"], index=stamps)
    frame.reset_index(names="timestamp").to_parquet(tmp_path / "X.parquet")
    local = frame.tz_convert("America/New_York")

    expected = load(_csv(tmp_path)).candles
    for source in (frame, local, tmp_path / "X.parquet", frame.reset_index(names="Date")):
        candles = load(source, LoadOptions("X")).candles
        assert candles.time_ms.tolist() == expected.time_ms.tolist()
        assert candles.close.tolist() == expected.close.tolist()
    naive = load(frame.tz_localize(None), LoadOptions("X"))
    assert naive.candles.time_ms.tolist() == expected.time_ms.tolist()
    assert naive.data_quality["naive_timestamps"] == 3


@pytest.mark.parametrize("key", ["timestamp", "time", "date", "datetime"])
def test_rows_have_their_time_under_several_names(key: str) -> None:
    day = datetime(2020, 1, 1, tzinfo=UTC)
    values: dict[str, list[Any]] = {
        "timestamp": [day + timedelta(days=i) for i in range(3)],
        "time": [FIRST_MS + i * DAY_MS for i in range(3)],
        "date": [(day + timedelta(days=i)).date() for i in range(3)],
        "datetime": [pd.Timestamp(day) + pd.Timedelta(days=i) for i in range(3)],
    }
    rows = [
        {key: stamp, "open": o, "high": h, "low": low, "close": c, "volume": v}
        for stamp, (o, h, low, c, v) in zip(values[key], PRICES, strict=True)
    ]

    assert load(rows).candles.time_ms.tolist() == [FIRST_MS + i * DAY_MS for i in range(3)]


def test_bars_without_timestamps_are_numbered() -> None:
    loaded = load([{"open": o, "high": h, "low": low, "close": c} for o, h, low, c, _ in PRICES])

    assert loaded.numbered
    assert loaded.data_quality["without_timestamps"] == 3
    assert loaded.candles.volume.tolist() == [0.0, 0.0, 0.0]


def test_newest_first_is_reversed() -> None:
    text = _lines(HEADER, [f"{day}T00:00:00Z" for day in DAYS[::-1]])

    loaded = load(text.encode(), LoadOptions("X"))

    assert loaded.candles.time_ms[0] == FIRST_MS
    assert loaded.candles.close.tolist() == [101.5, 102.5, 101.0]
    assert loaded.data_quality["newest_first"] is True


def test_a_zone_is_applied_once_with_its_summer_time() -> None:
    stamps = ["2020-03-06 17:00", "2020-03-09 17:00", "2020-03-10 17:00"]  # New York, clocks go forward on the 8th
    loaded = load(_lines(HEADER, stamps).encode(), LoadOptions("X", timezone="America/New_York"))

    instants = [datetime.fromtimestamp(ms / 1000, UTC).isoformat() for ms in loaded.candles.time_ms.tolist()]
    assert instants == ["2020-03-06T22:00:00+00:00", "2020-03-09T21:00:00+00:00", "2020-03-10T21:00:00+00:00"]


def _dirty() -> bytes:
    bars = [
        "2020-01-01,100,102,99,101,5",
        "2020-01-02,101,103,102.5,102,6",  # low above open
        "2020-01-03,nan,104,101,103,7",
        "2020-01-04,103,104,101,103,7",
        "2020-01-04,103,104,101,103,7",  # twice
        "2020-01-03,103,104,101,103,7",  # back
        "2020-01-06,oops,104,101,103,7",
        "someday,103,104,101,103,7",
        "2020-01-09,-3,104,-5,103,7",
        "2020-01-10,103,104,101,103,7",
    ]
    return ("date,open,high,low,close,volume\n" + "\n".join(bars) + "\n").encode()


def test_bad_rows_are_refused_with_their_list() -> None:
    with pytest.raises(CandleError) as caught:
        load(_dirty(), LoadOptions("X"))

    reasons = {error.value: error.allowed for error in caught.value.errors}
    # Numbers are lines of the file: the header is line 1.
    assert {3, 4, 6, 7, 8, 9, 10} <= set(reasons)
    assert reasons[3] == "low is above open or close"
    assert "oops" in reasons[8]
    assert "someday" in reasons[9]
    assert "on_bad_bar=drop" in str(caught.value)


def test_bad_rows_are_dropped_and_counted_on_request() -> None:
    loaded = load(_dirty(), LoadOptions("X", on_bad_bar="drop"))

    days = [datetime.fromtimestamp(ms / 1000, UTC).day for ms in loaded.candles.time_ms.tolist()]
    assert days == [1, 4, 10]
    assert loaded.data_quality["dropped"] == 7
    assert {row["row"] for row in loaded.data_quality["dropped_rows"]} == {3, 4, 6, 7, 8, 9, 10}


def test_gaps_are_listed_and_never_filled() -> None:
    stamps = ["2020-01-01", "2020-01-02", "2020-01-06"]

    loaded = load(_lines(HEADER, stamps).encode(), LoadOptions("X", interval_ms=DAY_MS))

    assert len(loaded.candles) == 3
    assert loaded.data_quality["gaps"] == 1
    assert loaded.data_quality["missing_bars"] == 3
    assert loaded.data_quality["gap_list"][0]["after"] == "2020-01-02T00:00:00Z"


def test_splits_are_applied_once_and_crashes_are_left_alone() -> None:
    rows = [
        {"time": FIRST_MS + i * DAY_MS, "open": p, "high": p, "low": p, "close": p, "volume": 10.0}
        for i, p in enumerate([100.0, 50.0, 52.0, 20.0])
    ]
    options = LoadOptions("AAPL", splits={"AAPL": [("2020-01-02", 2)], "MSFT": [("2020-01-03", 3)]})

    loaded = load(rows, options)

    assert loaded.candles.close.tolist() == [50.0, 50.0, 52.0, 20.0]
    assert loaded.candles.volume.tolist() == [20.0, 10.0, 10.0, 10.0]
    assert loaded.data_quality["splits"] == [{"date": "2020-01-02", "ratio": 2}]
    assert load(rows, LoadOptions("AAPL")).candles.close.tolist() == [100.0, 50.0, 52.0, 20.0]


def test_a_file_of_several_symbols_needs_a_symbol(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    lines = [f"{symbol},{day}T00:00:00Z,1,2,1,{close},1" for symbol, close in (("A", 1.5), ("B", 2)) for day in DAYS]
    path.write_text("symbol,timestamp,open,high,low,close,volume\n" + "\n".join(lines))

    assert load(path, LoadOptions("b")).candles.close.tolist() == [2.0, 2.0, 2.0]
    with pytest.raises(DataError, match="one of A, B"):
        load(path)
    with pytest.raises(DataError, match=r"'C'.*one of A, B"):
        load(path, LoadOptions("C"))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Path("/nowhere/prices.csv"), "an existing file"),
        (b"", "columns time, open"),
        (b"timestamp,open,high,low,close,volume\n", "the file has none"),
        (b"timestamp,open,high,low,last,volume\n1,2,3,4,5,6\n", "missing: close"),
        (b"\x1f\x8bnonsense", "CSV in UTF-8"),
        (b"\xff\xfe\x00", "CSV in UTF-8"),
        ([], "at least one bar"),
        (3, "a path, a DataFrame"),
    ],
)
def test_unreadable_data_names_what_is_allowed(source: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(source)


def test_tiny_flat_and_zero_volume_bars_are_bars() -> None:
    rows = [
        {"time": FIRST_MS + i * DAY_MS, "open": 1e-9, "high": 1e-9, "low": 1e-9, "close": 1e-9, "volume": 0.0}
        for i in range(4)
    ]

    loaded = load(rows)

    assert np.all(loaded.candles.close == 1e-9)
    assert loaded.data_quality["zero_volume_bars"] == 4
    assert loaded.data_quality["flat_bars"] == 4
