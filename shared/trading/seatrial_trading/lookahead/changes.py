"""Bars whose future was taken away or changed; what stays, stays to the bit."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.quant.candles import Candles

Floats = NDArray[np.float64]
COLUMNS = ("open", "high", "low", "close", "volume")
NOISE_FACTOR = 7.0
HUGE_FACTOR = 1e4
Change = Callable[[Floats, np.random.Generator], Floats]


def _reversed(rows: Floats, chance: np.random.Generator) -> Floats:
    return rows[:, ::-1]


def _noise(rows: Floats, chance: np.random.Generator) -> Floats:
    factors: Floats = np.exp(chance.uniform(-1.0, 1.0, rows.shape[1]) * np.log(NOISE_FACTOR))
    return rows * factors


def _huge(rows: Floats, chance: np.random.Generator) -> Floats:
    return rows * HUGE_FACTOR


def _tiny(rows: Floats, chance: np.random.Generator) -> Floats:
    return rows / HUGE_FACTOR


# Each is still a valid bar: NaN would only ask how the strategy treats data that never comes.
CHANGES: Mapping[str, Change] = {"reversed": _reversed, "noise": _noise, "huge": _huge, "tiny": _tiny}


def poisoned(candles: Candles, kept: int, change: str, seed: int) -> Candles:
    """Return bars of which only the first `kept` are true; the later ones are valid bars of another market."""
    rows = np.array([getattr(candles, name) for name in COLUMNS])
    rows[:, kept:] = CHANGES[change](rows[:, kept:].copy(), np.random.default_rng((seed, kept)))
    return _with(candles, rows, len(candles))


def prefix(candles: Candles, kept: int, seed: int) -> Candles:
    """Return the first `kept` bars, as views of a buffer that goes on with false ones: `.base` has no truth either."""
    buffer = np.array([getattr(candles, name) for name in COLUMNS])
    buffer[:, kept:] = _noise(buffer[:, kept:].copy(), np.random.default_rng((seed, kept)))
    return _with(candles, buffer, kept)


def later(candles: Candles, start: int) -> Candles:
    """Return the bars from `start` on, as copies."""
    rows = np.array([getattr(candles, name)[start:] for name in COLUMNS])
    times = candles.time_ms[start:].copy()
    times.flags.writeable = False
    return _with(replace(candles, time_ms=times), rows, len(times))


def alone(candles: Candles) -> Candles:
    """Return all bars as copies: nothing that a strategy does to them reaches the next run."""
    return later(candles, 0)


def _with(candles: Candles, rows: Floats, bars: int) -> Candles:
    columns = {}
    for name, row in zip(COLUMNS, rows, strict=True):
        own = row.copy()  # each its own buffer, as in production
        own.flags.writeable = False
        columns[name] = own[:bars]
    times = candles.time_ms.copy()[:bars]
    times.flags.writeable = False
    return replace(candles, time_ms=times, **columns)
