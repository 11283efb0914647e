"""Seeded random bars for the backtest tests."""

import numpy as np

from seatrial_trading.quant.candles import Candles

MINUTE_MS = 60_000
START_MS = 1_600_000_000_000


def random_candles(bars: int = 500, seed: int = 1, symbol: str = "TEST", volatility: float = 0.01) -> Candles:
    """Return random bars with gaps between close and open."""
    walk = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(walk.normal(0.0, volatility, bars)))
    opens = np.concatenate(([100.0], close[:-1])) * np.exp(walk.normal(0.0, volatility / 4, bars))
    spread = 1.0 + np.abs(walk.normal(0.0, volatility, bars))
    columns = {
        "time": (START_MS + MINUTE_MS * np.arange(bars)).tolist(),
        "open": opens.tolist(),
        "high": (np.maximum(opens, close) * spread).tolist(),
        "low": (np.minimum(opens, close) / spread).tolist(),
        "close": close.tolist(),
        "volume": walk.uniform(1.0, 9.0, bars).tolist(),
    }
    return Candles.from_columns(symbol, columns)


def rows_of(candles: Candles) -> list[dict[str, float]]:
    """Return bars as a list of dicts, `timestamp` in epoch milliseconds."""
    columns = candles.to_columns()
    names = {"time": "timestamp"}
    return [{names.get(name, name): columns[name][row] for name in columns} for row in range(len(candles))]
