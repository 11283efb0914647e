"""Strategies that look ahead in different ways, each with a similar one that does not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.lookahead import LookaheadCheck
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

Floats = NDArray[np.float64]
Wants = Any  # numpy has no narrower type for what a comparison returns
Strategy = Callable[..., Any]  # Any: Signals, a callback or its answer
BUY = {"action": "buy"}
SELL = {"action": "sell"}
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Plant:
    """A leak, the check that must see it, and its clean twin; both are made for the bars that they are tried on."""

    name: str
    check: LookaheadCheck
    leak: Callable[[Candles], Strategy]
    twin: Callable[[Candles], Strategy]


def signals(wants: NDArray[np.bool_]) -> Signals:
    """Return signals that open long where `wants` becomes true and close where it becomes false."""
    before = np.concatenate(([False], wants[:-1]))
    return Signals((wants & ~before).astype(np.int8), before & ~wants)


def rolling_mean(values: Floats, n: int) -> Floats:
    """Return the mean of the last n values, NaN while there are fewer."""
    if len(values) < n:
        return np.full(len(values), np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(values, n).mean(axis=1)
    return np.concatenate((np.full(n - 1, np.nan), windows))[: len(values)]


def expanding(values: Floats, of: Callable[[Floats], float]) -> Floats:
    """Return a figure of all values up to each."""
    return np.array([of(values[: i + 1]) for i in range(len(values))])


def _array(decide: Callable[[Candles], Wants]) -> Callable[[Candles], Strategy]:
    def strategy(candles: Candles) -> Signals:
        return signals(decide(candles))

    return lambda candles: strategy


def next_close_label(c: Candles) -> Wants:
    return np.concatenate((c.close[1:], c.close[-1:])) > c.close


def last_close_label(c: Candles) -> Wants:
    return c.close > np.concatenate((c.close[:1], c.close[:-1]))


def centred_mean(c: Candles) -> Wants:
    kernel = np.ones(9) / 9
    return c.close > np.convolve(c.close, kernel, mode="same")


def trailing_mean(c: Candles) -> Wants:
    return c.close > rolling_mean(c.close, 9)


def whole_range(c: Candles) -> Wants:
    ratio: Floats = (c.close - c.close.min()) / (c.close.max() - c.close.min())
    return ratio > 0.5


def range_so_far(c: Candles) -> Wants:
    low, high = np.minimum.accumulate(c.close), np.maximum.accumulate(c.close)
    return (c.close - low) / np.maximum(high - low, 1e-12) > 0.5


def day_close(c: Candles) -> Wants:
    """The day's close is used from midnight on: the bar of the higher timeframe has not ended."""
    days = c.time_ms // DAY_MS
    last = np.append(np.flatnonzero(np.diff(days)), len(days) - 1)
    return c.close < c.close[last][np.searchsorted(days[last], days)]


def day_before_close(c: Candles) -> Wants:
    days = c.time_ms // DAY_MS
    last = np.append(np.flatnonzero(np.diff(days)), len(days) - 1)
    position = np.searchsorted(days[last], days) - 1
    return (position >= 0) & (c.close > c.close[last][np.maximum(position, 0)])


def scaler_on_all(c: Candles) -> Wants:
    moves = np.diff(np.log(c.close), prepend=np.log(c.close[0]))
    return (moves - moves.mean()) / moves.std() > 0.5


def scaler_on_the_first_hundred(c: Candles) -> Wants:
    moves = np.diff(np.log(c.close), prepend=np.log(c.close[0]))
    is_fitted = np.arange(len(moves)) >= 100
    return is_fitted & ((moves - moves[:100].mean()) / max(moves[:100].std(), 1e-12) > 0.5)


def base_climb(c: Candles) -> Wants:
    whole = c.close if c.close.base is None else np.asarray(c.close.base)
    future = np.concatenate((whole, whole[-1:] * 1.01))[1 : len(c) + 1]
    return future > c.close


def base_look(c: Candles) -> Wants:
    owner = c.close if c.close.base is None else np.asarray(c.close.base)
    past = owner[: len(c)]
    return past > rolling_mean(past, 5)


def percentile_of_all(c: Candles) -> Wants:
    ordered = np.sort(c.volume)
    return np.searchsorted(ordered, c.volume) / len(ordered) > 0.9


def percentile_so_far(c: Candles) -> Wants:
    return expanding(c.volume, lambda past: float((past < past[-1]).mean())) > 0.9


def backfilled(c: Candles) -> Wants:
    mean = rolling_mean(c.close, 50)
    mean[:49] = mean[49] if len(c) > 49 else np.nan
    return c.close > mean


def forward_filled(c: Candles) -> Wants:
    mean = rolling_mean(c.close, 50)
    mean[:49] = c.close[:49]
    return c.close > mean


def rare_peek(c: Candles) -> Wants:
    """One bar in sixty, and none of the first three hundred, is seen a bar early."""
    up = last_close_label(c).copy()
    rare = (np.arange(len(c)) % 60 == 7) & (np.arange(len(c)) > 300)
    up[rare] = next_close_label(c)[rare]
    return up


def rare_past(c: Candles) -> Wants:
    up = last_close_label(c).copy()
    rare = (np.arange(len(c)) % 60 == 7) & (np.arange(len(c)) > 300)
    up[rare] = np.roll(up, 1)[rare]
    return up


def peek_by_closure(candles: Candles) -> Strategy:
    rows = [{"open": float(price)} for price in candles.open]

    def strategy(history: Any, symbol: str) -> Mapping[str, Any] | None:
        following = rows[len(history)]["open"] if len(history) < len(rows) else 0.0
        return BUY if following > history[-1]["close"] * 1.002 else SELL

    return strategy


def past_by_closure(candles: Candles) -> Strategy:
    rows = [{"open": float(price)} for price in candles.open]

    def strategy(history: Any, symbol: str) -> Mapping[str, Any] | None:
        return BUY if rows[len(history) - 1]["open"] > history[-1]["close"] * 1.002 else SELL

    return strategy


def carried_over(candles: Candles) -> Strategy:
    highest = [0.0]

    def strategy(history: Any, symbol: str) -> Mapping[str, Any] | None:
        close = history[-1]["close"]
        if close > highest[0]:
            highest[0] = close
            return BUY
        return SELL if close < 0.97 * highest[0] else None

    return strategy


def created_per_run(candles: Candles) -> Strategy:
    def make(bars: Candles) -> Strategy:
        return carried_over(bars)

    return make


PLANTS = (
    Plant("label_of_the_next_bar", LookaheadCheck.PREFIX_REPLAY, _array(next_close_label), _array(last_close_label)),
    Plant("centred_rolling", LookaheadCheck.FUTURE_POISONING, _array(centred_mean), _array(trailing_mean)),
    Plant("whole_series_range", LookaheadCheck.FUTURE_POISONING, _array(whole_range), _array(range_so_far)),
    Plant("peek_by_closure", LookaheadCheck.OUTSIDE_DATA, peek_by_closure, past_by_closure),
    Plant("unfinished_higher_bar", LookaheadCheck.PREFIX_REPLAY, _array(day_close), _array(day_before_close)),
    Plant(
        "scaler_fit_on_all", LookaheadCheck.FUTURE_POISONING, _array(scaler_on_all), _array(scaler_on_the_first_hundred)
    ),
    Plant("base_climb", LookaheadCheck.PREFIX_REPLAY, _array(base_climb), _array(base_look)),
    Plant("state_between_runs", LookaheadCheck.STATE_LEAK, carried_over, created_per_run),
    Plant("percentile_of_all", LookaheadCheck.FUTURE_POISONING, _array(percentile_of_all), _array(percentile_so_far)),
    Plant("backfilled_nan", LookaheadCheck.PREFIX_REPLAY, _array(backfilled), _array(forward_filled)),
    Plant("rare_peek", LookaheadCheck.PREFIX_REPLAY, _array(rare_peek), _array(rare_past)),
)
