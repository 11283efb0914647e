"""A callback sees the past only, read-only, and indicators as they stand now."""

import math
from typing import Any

import numpy as np
import pytest
from tests.unit.backtest.backtest_bars import random_candles

from seatrial.testing import calculate_rsi
from seatrial_backtesting.callback.history import BarHistory, open_history
from seatrial_trading.quant import indicators


def _history(shown: int, bars: int = 100) -> BarHistory:
    history, steps = open_history(random_candles(bars))
    for _ in range(shown):
        next(steps)
    return history


def test_the_view_is_a_sequence_of_the_bars_so_far() -> None:
    candles, history = random_candles(100), _history(30)

    assert len(history) == 30
    assert history[-1]["close"] == candles.close[29]
    assert history[0]["open"] == candles.open[0]
    assert [bar["high"] for bar in history[-3:]] == candles.high[27:30].tolist()
    assert [bar["timestamp"] for bar in history] == candles.time_ms[:30].tolist()
    assert history["close"].tolist() == candles.close[:30].tolist()
    assert dict(history[-1]).keys() >= {"timestamp", "open", "high", "low", "close", "volume"}
    assert isinstance(history[-1]["close"], float)


def test_no_look_reaches_the_future() -> None:
    history = _history(30)

    for key in (30, 31, 99, -31, 10**9):
        with pytest.raises(IndexError):
            history[key]
    assert history[25:99] and len(history[25:99]) == 5
    column: object = history["close"]
    while isinstance(column, np.ndarray):
        assert np.all(column[30:] == 0.0)
        column = column.base
    bar: Any = history[-1]
    bar._index = 60  # what a cheat would try
    with pytest.raises(IndexError):
        bar["close"]
    names = {name for name in dir(history) if not name.startswith("__")}
    history_values = [getattr(history, name) for name in names]
    assert not any(isinstance(value, np.ndarray | memoryview) for value in history_values)


def test_a_price_of_some_bars_ago_is_one_call() -> None:
    candles, history = random_candles(100), _history(30)

    assert (history.close(), history.close(10)) == (candles.close[29], candles.close[19])
    assert (history.open(), history.high(), history.low(), history.volume()) == (
        candles.open[29],
        candles.high[29],
        candles.low[29],
        candles.volume[29],
    )
    for ago in (30, -1, 10**9):
        with pytest.raises(IndexError):
            history.close(ago)


def test_nothing_can_be_written() -> None:
    history = _history(30)

    with pytest.raises(TypeError):
        history[0] = {}  # type: ignore[index]
    with pytest.raises(TypeError):
        history[-1]["close"] = 1.0  # type: ignore[index]
    with pytest.raises(ValueError, match="read-only"):
        history["close"][0] = 1.0


def test_indicators_are_those_of_the_past_alone() -> None:
    candles, history = random_candles(100), _history(60)
    past = candles.head(60)

    assert history.sma(20) == indicators.sma(past.close, 20)[-1]
    assert history.ema(20) == indicators.ema(past.close, 20)[-1]
    assert history.std(20) == indicators.rolling_std(past.close, 20)[-1]
    assert history.rsi(14) == indicators.rsi(past.close, 14)[-1]
    assert history.atr(14) == indicators.atr(past.high, past.low, past.close, 14)[-1]
    assert history.highest(10) == past.high[-10:].max()
    assert history.lowest(10) == past.low[-10:].min()
    assert math.isnan(_history(5).sma(20))


def test_rsi_is_one_number_from_view_bars_closes_and_frames() -> None:
    history = _history(60)
    bars = [dict(bar) for bar in history]

    value = calculate_rsi(history)

    assert value == pytest.approx(calculate_rsi(bars), abs=1e-12)
    assert value == pytest.approx(calculate_rsi([bar["close"] for bar in bars]), abs=1e-12)
    assert value == pytest.approx(calculate_rsi({"close": history["close"]}), abs=1e-12)
    assert math.isnan(calculate_rsi(bars[:10]))
    assert math.isnan(calculate_rsi([]))
    assert not calculate_rsi(bars[:10]) < 30
