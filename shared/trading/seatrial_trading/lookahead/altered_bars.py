"""Bars whose future is removed or changed; the kept bars are bit-equal."""

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


# The changed bars are valid bars: NaN would only test how a strategy handles invalid data.
CHANGES: Mapping[str, Change] = {"reversed": _reversed, "noise": _noise, "huge": _huge, "tiny": _tiny}


def poisoned(candles: Candles, kept: int, change: str, seed: int) -> Candles:
    """Return bars of which only the first `kept` are unchanged; the later ones are valid bars of another market."""
    rows = np.array([getattr(candles, name) for name in COLUMNS])
    rows[:, kept:] = CHANGES[change](rows[:, kept:].copy(), np.random.default_rng((seed, kept)))
    return _with(candles, rows, len(candles))


def prefix(candles: Candles, kept: int, seed: int) -> Candles:
    """Return the first `kept` bars as views of a buffer that continues with altered bars (seen by `.base`)."""
    buffer = np.array([getattr(candles, name) for name in COLUMNS])
    buffer[:, kept:] = _noise(buffer[:, kept:].copy(), np.random.default_rng((seed, kept)))
    return _with(candles, buffer, kept)


def later(candles: Candles, start: int) -> Candles:
    """Return copies of the bars from `start` on."""
    rows = np.array([getattr(candles, name)[start:] for name in COLUMNS])
    times = candles.time_ms[start:].copy()
    times.flags.writeable = False
    return _with(replace(candles, time_ms=times), rows, len(times))


def copied(candles: Candles) -> Candles:
    """Return copies of all bars, so that a strategy cannot change the bars of the next run."""
    return later(candles, 0)


def _with(candles: Candles, rows: Floats, bars: int) -> Candles:
    columns = {}
    for name, row in zip(COLUMNS, rows, strict=True):
        buffer = row.copy()  # one buffer per column, as in production
        buffer.flags.writeable = False
        columns[name] = buffer[:bars]
    times = candles.time_ms.copy()[:bars]
    times.flags.writeable = False
    return replace(candles, time_ms=times, **columns)
