"""A thousand hours made of ticks: the tick result is between worst and best, and minute bars resolve it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from tests.unit.matching.tables import one_entry

from seatrial_trading.matching import ExecutionConfig, Simulation, simulate
from seatrial_trading.quant.candles import Candles

HOURS = 1_000
MINUTE_MS = 60_000
TICKS_A_MINUTE = 8
STOP_RATIO, TARGET_RATIO = 0.010, 0.012
CONFIG = ExecutionConfig(taker_fee_rate=0.0, sizing="fixed:1", allow_short=True)


def ticks(seed: int) -> NDArray[np.float64]:
    """Return the prices of two hours; each minute begins where the one before ended."""
    random = np.random.default_rng(seed)
    return 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.001, 2 * 60 * TICKS_A_MINUTE + 1)))


def bars(prices: NDArray[np.float64], minutes: int) -> Candles:
    size = minutes * TICKS_A_MINUTE
    points = np.lib.stride_tricks.sliding_window_view(prices, size + 1)[::size]
    columns = {
        "time": [minutes * MINUTE_MS * i for i in range(len(points))],
        "open": points[:, 0].tolist(),
        "high": points.max(axis=1).tolist(),
        "low": points.min(axis=1).tolist(),
        "close": points[:, -1].tolist(),
    }
    return Candles.from_columns("X", columns, minutes * MINUTE_MS)


def what_happened(prices: NDArray[np.float64], side: int) -> float:
    """Return the exit price of a bracket entered at the second hour, tick by tick."""
    path = prices[60 * TICKS_A_MINUTE :]
    entry = path[0]
    stop, target = entry * (1.0 - side * STOP_RATIO), entry * (1.0 + side * TARGET_RATIO)
    for price in path.tolist():
        if (price - stop) * side <= 0.0:
            return float(stop)
        if (price - target) * side >= 0.0:
            return float(target)
    return float(path[-1])


def exit_price(result: Simulation) -> float:
    assert len(result.trades) == 1
    return result.trades[0].exit_price


def test_worst_and_best_contain_the_tick_result_and_minutes_resolve_it() -> None:
    guessed, resolved = 0, 0
    for seed in range(HOURS):
        side = 1 if seed % 2 else -1
        prices = ticks(seed)
        hours, minutes = bars(prices, 60), bars(prices, 1)
        signals = one_entry(2, STOP_RATIO, TARGET_RATIO, side=side, base="fill")

        truth = what_happened(prices, side)
        worst, best = (simulate(hours, signals, replace(CONFIG, intrabar=way)) for way in ("worst", "best"))
        seen = simulate(hours, signals, replace(CONFIG, intrabar="magnify"), minutes)

        assert exit_price(worst) * side <= truth * side <= exit_price(best) * side
        assert exit_price(worst) * side <= exit_price(seen) * side <= exit_price(best) * side
        guessed += worst.ambiguous_bars
        if not seen.ambiguous_bars:
            resolved += 1
            assert exit_price(seen) == truth

    assert guessed > 100  # hours that hourly bars cannot resolve
    assert resolved > HOURS - 10
