"""Bars and signals of the conformance table: small enough to be worked by hand."""

from collections.abc import Sequence

import numpy as np

from seatrial_trading.matching import ExecutionConfig, Simulation, simulate
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

Bar = tuple[float, float, float, float]
SIGNAL_BAR: Bar = (100.0, 101.0, 99.0, 100.0)
FREE = ExecutionConfig(cash=1_000_000.0, taker_fee_rate=0.0, sizing="fixed:1")
MINUTE_MS = 60_000


def candles(bars: Sequence[Bar]) -> Candles:
    columns = np.array(bars, dtype=float).T
    names = ("open", "high", "low", "close")
    return Candles.from_columns(
        "X",
        {"time": [MINUTE_MS * i for i in range(len(bars))], **dict(zip(names, columns.tolist(), strict=True))},
        interval_ms=MINUTE_MS,
    )


def one_entry(
    n: int, stop: float = np.nan, target: float = np.nan, trail: float = np.nan, side: int = 1, base: str = "price"
) -> Signals:
    """Return one entry decided at the close of bar 0."""
    entry = np.zeros(n, dtype=np.int8)
    entry[0] = side
    return Signals(
        entry=entry,
        exit=np.zeros(n, dtype=np.bool_),
        stop_loss=np.full(n, stop),
        take_profit=np.full(n, target),
        trailing=np.full(n, trail),
        stop_base="fill" if base == "fill" else "price",
    )


def run(bars: Sequence[Bar], signals: Signals, config: ExecutionConfig = FREE) -> Simulation:
    return simulate(candles(bars), signals, config)


def mirrored(bars: Sequence[Bar]) -> list[Bar]:
    """Return the bars with log prices negated about 100: what was up is down, highs and lows change places."""
    return [(1e4 / o, 1e4 / low, 1e4 / h, 1e4 / c) for o, h, low, c in bars]
