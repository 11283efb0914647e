"""Callbacks that look ahead or hang on what they must not, and their clean twins."""

import functools
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from tests.unit.lookahead.planted import BUY, SELL, Plant, Strategy

from seatrial_trading.lookahead import LookaheadCheck
from seatrial_trading.quant.candles import Candles

Answer = Mapping[str, Any] | None  # Any: the guide's


def peek_by_frame(candles: Candles) -> Strategy:
    frame = pd.DataFrame({"open": candles.open.copy(), "close": candles.close.copy()})

    def strategy(history: Any, symbol: str) -> Answer:
        return BUY if frame["close"].iloc[len(history) :].max() > 1.05 * history[-1]["close"] else SELL

    return strategy


def frame_up_to_now(candles: Candles) -> Strategy:
    frame = pd.DataFrame({"open": candles.open.copy(), "close": candles.close.copy()})

    def strategy(history: Any, symbol: str) -> Answer:
        return BUY if frame["close"].iloc[: len(history)].max() > 1.05 * history[-1]["close"] else SELL

    return strategy


def normalised_over_all(candles: Candles) -> Strategy:
    def make(bars: Candles) -> Strategy:
        score = (bars.close - bars.close.mean()) / bars.close.std()

        def strategy(history: Any, symbol: str) -> Answer:
            return BUY if score[len(history) - 1] < -0.5 else SELL

        return strategy

    return make


def normalised_over_the_past(candles: Candles) -> Strategy:
    def make(bars: Candles) -> Strategy:
        count = np.arange(1, len(bars) + 1)
        score = bars.close - np.cumsum(bars.close) / count

        def strategy(history: Any, symbol: str) -> Answer:
            return BUY if score[len(history) - 1] < -0.5 else SELL

        return strategy

    return make


def by_chance(candles: Candles) -> Strategy:
    def strategy(history: Any, symbol: str) -> Answer:
        return BUY if random.getrandbits(2) == 0 else SELL

    return strategy


def by_its_own_dice(candles: Candles) -> Strategy:
    def strategy(history: Any, symbol: str) -> Answer:
        return BUY if random.Random(len(history)).getrandbits(2) == 0 else SELL

    return strategy


def first_seen(candles: Candles) -> Strategy:
    """The first close that was ever seen is kept, also for runs over other bars."""

    @functools.cache
    def scale(symbol: str) -> list[float]:
        return []

    def strategy(history: Any, symbol: str) -> Answer:
        first = scale(symbol)
        if not first:
            first.append(history[-1]["close"])
        return BUY if history[-1]["close"] > first[0] else SELL

    return strategy


def first_of_history(candles: Candles) -> Strategy:
    @functools.cache
    def share(percent: int) -> float:
        return percent / 100.0

    def strategy(history: Any, symbol: str) -> Answer:
        return BUY if history[-1]["close"] > share(100) * history[0]["close"] else SELL

    return strategy


CALLBACK_PLANTS = (
    Plant("future_maximum_of_a_frame", LookaheadCheck.OUTSIDE_DATA, peek_by_frame, frame_up_to_now),
    Plant("normalised_when_made", LookaheadCheck.FUTURE_POISONING, normalised_over_all, normalised_over_the_past),
    Plant("unseeded_chance", LookaheadCheck.NON_DETERMINISM, by_chance, by_its_own_dice),
    Plant("cache_over_runs", LookaheadCheck.STATE_LEAK, first_seen, first_of_history),
)
