"""Bad data through the loader and a run: every bad row is rejected with its number, or dropped and counted."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.unit.backtest.backtest_bars import random_candles, rows_of

from seatrial.testing import BacktestingEngine
from seatrial_backtesting.data.loader import LoadOptions, load
from seatrial_trading.quant.candles import CandleError

HOUR = timedelta(hours=1)
Rows = list[dict[str, Any]]


def bars(count: int = 60) -> Rows:
    return [dict(row) for row in rows_of(random_candles(count, 4))]


def with_nan() -> Rows:
    rows = bars()
    rows[20]["close"] = float("nan")
    return rows


def with_duplicate() -> Rows:
    rows = bars()
    return [*rows[:31], dict(rows[30]), *rows[31:]]


def unsorted() -> Rows:
    rows = bars()
    rows[40], rows[41] = rows[41], rows[40]
    return rows


def without_price() -> Rows:
    rows = bars()
    rows[10]["open"] = 0.0
    return rows


def inside_out() -> Rows:
    rows = bars()
    rows[50]["low"] = rows[50]["open"] * 1.5
    return rows


BAD: list[tuple[str, Any, int]] = [
    ("NaN", with_nan, 20),
    ("duplicate", with_duplicate, 31),
    ("unsorted", unsorted, 41),
    ("zero price", without_price, 10),
    ("low above open", inside_out, 50),
]


@pytest.mark.parametrize(("name", "make", "row"), BAD, ids=[name for name, _, _ in BAD])
def test_bad_rows_are_listed_or_dropped_and_counted(name: str, make: Any, row: int) -> None:
    rows = make()

    with pytest.raises(CandleError) as refused:
        load(rows, LoadOptions("X"))
    kept = load(rows, LoadOptions("X", on_bad_bar="drop"))
    result = BacktestingEngine("rsi_bollinger").run_backtest(rows, "X", on_bad_bar="drop")

    listed = [error.value for error in refused.value.errors]
    assert len(listed) == 1
    assert kept.data_quality["dropped"] == 1
    assert [row["row"] for row in kept.data_quality["dropped_rows"]] == listed
    assert listed[0] in {row, row + 1}  # rows are numbered as their source numbers them
    assert len(kept.candles) == len(rows) - 1
    assert result["data_quality"]["dropped"] == 1
    json.dumps(result, allow_nan=False)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", (2024, 3, 31)),
        ("Europe/Berlin", (2024, 10, 27)),
        ("America/New_York", (2024, 3, 10)),
        ("America/New_York", (2024, 11, 3)),
    ],
)
def test_hours_across_a_clock_change_are_even_in_utc(zone: str, day: tuple[int, int, int]) -> None:
    start = datetime(*day, tzinfo=UTC) - 6 * HOUR
    instants = [start + i * HOUR for i in range(36)]
    rows = bars(36)
    aware = [
        {**row, "timestamp": at.astimezone(ZoneInfo(zone)).isoformat()} for row, at in zip(rows, instants, strict=True)
    ]

    loaded = load(aware, LoadOptions("X"))

    assert loaded.candles.time_ms.tolist() == [int(at.timestamp() * 1000) for at in instants]
    assert loaded.candles.interval_ms == 3_600_000
    assert loaded.data_quality["gaps"] == loaded.data_quality["irregular_steps"] == 0
    assert loaded.data_quality["naive_timestamps"] == 0


def test_naive_times_are_counted_and_the_hour_that_comes_twice_is_refused() -> None:
    zone = ZoneInfo("Europe/Berlin")
    instants = [datetime(2024, 10, 26, 20, tzinfo=UTC) + i * HOUR for i in range(12)]
    rows = [
        {**row, "timestamp": at.astimezone(zone).replace(tzinfo=None).isoformat()}
        for row, at in zip(bars(12), instants, strict=True)
    ]

    naive = load(rows[:3], LoadOptions("X"))
    with pytest.raises(CandleError):
        load(rows, LoadOptions("X"))

    assert naive.data_quality["naive_timestamps"] == 3


def test_gaps_stay_gaps_and_are_listed() -> None:
    rows = bars()
    rows = rows[:20] + rows[25:40] + rows[41:]

    quality = BacktestingEngine("sma_cross").run_backtest(rows, "X")["data_quality"]

    assert (quality["gaps"], quality["missing_bars"]) == (2, 6)
    assert [gap["missing_bars"] for gap in quality["gap_list"]] == [5, 1]
    assert quality["bars"] == 54


def test_flat_prices_never_look_oversold() -> None:
    rows = [
        {"timestamp": 1_600_000_000_000 + 60_000 * i, **dict.fromkeys(("open", "high", "low", "close"), 5.0)}
        for i in range(100)
    ]
    seen: list[float] = []

    def strategy(history: Any, symbol: str) -> dict[str, Any] | None:
        seen.append(history.rsi(14))
        return {"action": "buy"} if seen[-1] < 30 else None

    result = BacktestingEngine(strategy).run_backtest(rows, "X")

    assert result["total_trades"] == 0
    assert {value for value in seen if value == value} == {50.0}
    assert result["data_quality"]["flat_bars"] == 100
    assert result["data_quality"]["zero_volume_bars"] == 100


def test_tiny_prices_trade_like_large_ones() -> None:
    factor = 2.0**-30  # about 1e-9, exact in binary
    large = bars(600)
    small = [
        {key: value * factor if key not in {"timestamp", "volume"} else value for key, value in row.items()}
        for row in large
    ]
    engine = BacktestingEngine("rsi_bollinger", params={"rsi_below": 45})

    one, other = engine.run_backtest(large, "X"), engine.run_backtest(small, "X")

    assert len(one["trades"]) > 3
    assert [trade["entry_index"] for trade in one["trades"]] == [trade["entry_index"] for trade in other["trades"]]
    assert other["total_return"] == pytest.approx(one["total_return"], rel=1e-9)


def test_bars_without_volume_trade_and_are_counted() -> None:
    rows = [{**row, "volume": 0.0 if i % 3 == 0 else row["volume"]} for i, row in enumerate(bars(600))]

    result = BacktestingEngine("rsi_bollinger", params={"rsi_below": 45}).run_backtest(rows, "X")

    assert result["data_quality"]["zero_volume_bars"] == 200
    assert result["total_trades"] > 3
