"""Seeded bars for the lookahead tests, and the proof of one strategy over them."""

import numpy as np

from seatrial_backtesting.lookahead.subjects import strategy_under_test
from seatrial_backtesting.strategy_ref import resolve_strategy
from seatrial_trading.lookahead import CheckPlan, LookaheadReport, run_checks
from seatrial_trading.quant.candles import Candles

HOUR_MS = 3_600_000
START_MS = 1_600_041_600_000  # midnight UTC


def hours(bars: int = 450, seed: int = 5) -> Candles:
    """Return hourly bars that wander, each opening near the last close."""
    walk = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(walk.normal(0.0, 0.01, bars)))
    opens = np.concatenate(([100.0], close[:-1])) * np.exp(walk.normal(0.0, 0.003, bars))
    spread = 1.0 + np.abs(walk.normal(0.0, 0.004, bars))
    columns = {
        "time": (START_MS + HOUR_MS * np.arange(bars)).tolist(),
        "open": opens.tolist(),
        "high": (np.maximum(opens, close) * spread).tolist(),
        "low": (np.minimum(opens, close) / spread).tolist(),
        "close": close.tolist(),
        "volume": walk.uniform(1.0, 9.0, bars).tolist(),
    }
    return Candles.from_columns("TEST", columns)


def proof(strategy: object, candles: Candles | None = None, plan: CheckPlan | None = None) -> LookaheadReport:
    """Return the report on a callback, a function of candles, a name or a rule document."""
    bars = hours() if candles is None else candles
    return run_checks(strategy_under_test(resolve_strategy(strategy), bars), bars, plan)
