"""Finer bars inside bars: which of them make up which bar, and whether they tell the same story."""

import numpy as np
from numpy.typing import NDArray

from seatrial_core.errors import FieldError, field_error
from seatrial_trading.matching.array_loop import Bars, SubBars, bars
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.quant.candles import MAX_ROWS_LISTED, CandleError, Candles
from seatrial_trading.quant.jit import compiled

Floats = NDArray[np.float64]
# Prices that were aggregated elsewhere may differ in their last bits.
TOLERANCE_RATIO = 1e-9
NONE, WHOLE, PARTLY, BEYOND = 0, 1, 2, 3


def inside(candles: Candles, finer: Candles | None, config: ExecutionConfig) -> SubBars:
    """Return the finer bars of each bar, none at all where the config does not ask for them.

    A bar whose finer bars do not reach its own open, high, low and close lacks some of them: it counts as having none,
    because a path with holes would miss fills.

    Raises:
        ValidationFailed: The config asks for finer bars and there are none, or their interval does not divide.
        CandleError: Finer bars leave the high or low of their bar, or lie across its end; with the list of bars.
    """
    if config.intrabar != "magnify":
        return nothing()
    if finer is None:
        allowed = "worst, best or nearest, or magnify together with `finer`, bars of a shorter interval"
        raise field_error("intrabar", "magnify", allowed)
    if finer.symbol != candles.symbol:
        raise field_error("finer.symbol", finer.symbol, f"{candles.symbol}, the symbol of the bars")
    if not 0 < finer.interval_ms <= candles.interval_ms or candles.interval_ms % finer.interval_ms:
        raise field_error(
            "finer.interval_ms", finer.interval_ms, f"a length that divides the bars' {candles.interval_ms} ms"
        )
    starts = np.searchsorted(finer.time_ms, candles.time_ms)
    ends = np.searchsorted(finer.time_ms, candles.time_ms + candles.interval_ms)
    columns = bars(finer)
    found = _compare(bars(candles), columns, starts, ends)
    last = np.maximum(ends - 1, 0)
    spills = (ends > starts) & (finer.time_ms[last] + finer.interval_ms > candles.time_ms + candles.interval_ms)
    _refuse(candles, found == BEYOND, spills)
    return SubBars(*columns, starts, np.where(found == WHOLE, ends, starts))


def nothing() -> SubBars:
    """Return finer bars for a run that does not look at any."""
    prices, spans = np.empty(0), np.empty(0, dtype=np.int64)
    return SubBars(prices, prices, prices, prices, spans, spans)


def is_whole(candle: tuple[float, float, float, float], finer: Bars) -> bool:
    """Tell whether finer bars make up one bar (open, high, low, close).

    Raises:
        CandleError: They leave its high or low.
    """
    found = int(cover(finer.opens, finer.highs, finer.lows, finer.closes, *candle))
    if found == BEYOND:
        raise CandleError(f"finer bars leave the high or low of their bar {candle}; take both from one source")
    return found == WHOLE


@compiled
def cover(opens: Floats, highs: Floats, lows: Floats, closes: Floats, o: float, h: float, low: float, c: float) -> int:
    """Return whether finer bars are absent (0), make up the bar (1), only a part of it (2) or leave it (3)."""
    if opens.shape[0] == 0:
        return NONE
    top, bottom = highs[0], lows[0]
    for i in range(1, highs.shape[0]):
        top, bottom = max(top, highs[i]), min(bottom, lows[i])
    slack = h * TOLERANCE_RATIO
    if top > h + slack or bottom < low - slack:
        return BEYOND
    reaches = top >= h - slack and bottom <= low + slack
    return WHOLE if reaches and abs(opens[0] - o) <= slack and abs(closes[-1] - c) <= slack else PARTLY


@compiled
def _compare(coarse: Bars, finer: Bars, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int8]:
    found = np.empty(starts.shape[0], dtype=np.int8)
    for i in range(starts.shape[0]):
        a, b = starts[i], ends[i]
        found[i] = cover(
            finer.opens[a:b],
            finer.highs[a:b],
            finer.lows[a:b],
            finer.closes[a:b],
            coarse.opens[i],
            coarse.highs[i],
            coarse.lows[i],
            coarse.closes[i],
        )
    return found


def _refuse(candles: Candles, beyond: NDArray[np.bool_], spills: NDArray[np.bool_]) -> None:
    bad = np.flatnonzero(beyond | spills)
    if not len(bad):
        return
    told = [
        FieldError(
            f"candles[{row}]",
            int(candles.time_ms[row]),
            "finer bars within its high and low" if beyond[row] else "finer bars that end with it",
        )
        for row in bad[:MAX_ROWS_LISTED].tolist()
    ]
    raise CandleError(
        f"finer bars contradict {len(bad)} bars; the first is bar {bad[0]}, which wants {told[0].allowed}; "
        "take both from one source",
        errors=told,
    )
