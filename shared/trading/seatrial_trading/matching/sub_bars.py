"""Matches finer bars to the bars they make up, and checks that both agree."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from seatrial_core.errors import FieldError, field_error
from seatrial_trading.matching.columns import Bars, SubBars, price_columns
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.quant.candles import MAX_ROWS_LISTED, CandleError, Candles
from seatrial_trading.quant.column import Floats
from seatrial_trading.quant.jit import compiled

# Prices aggregated elsewhere may differ in their last bits.
TOLERANCE_RATIO = 1e-9


class SubBarFit(IntEnum):
    """How finer bars fit the bar they lie in."""

    NONE = 0  # there are none
    COMPLETE = 1
    PARTIAL = 2
    OUTSIDE = 3  # they leave its high or low


# The members as plain integers, for compiled code.
COVERAGE_NONE, COVERAGE_COMPLETE, COVERAGE_PARTIAL, COVERAGE_OUTSIDE = map(int, SubBarFit)


def match_sub_bars(candles: Candles, finer: Candles | None, config: ExecutionConfig) -> SubBars:
    """Return the finer bars of each bar; none where `config.intrabar` is not `magnify`.

    A bar whose finer bars do not reach its open, high, low and close is treated as having none, because a path with
    gaps would miss fills.

    Args:
        candles: The bars of the run.
        finer: Bars of the same symbol; their interval divides that of `candles`.
        config: The execution rules.

    Raises:
        ValidationFailed: Finer bars are needed and missing, of another symbol, or of an interval that does not divide.
        CandleError: Finer bars leave the high or low of their bar, or extend beyond its end; lists the bars.
    """
    if config.intrabar != "magnify":
        return no_sub_bars()
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
    columns = price_columns(finer)
    coverages = _coverages(price_columns(candles), columns, starts, ends)
    last = np.maximum(ends - 1, 0)
    overruns = (ends > starts) & (finer.time_ms[last] + finer.interval_ms > candles.time_ms + candles.interval_ms)
    _check(candles, coverages == COVERAGE_OUTSIDE, overruns)
    return SubBars(*columns, starts, np.where(coverages == COVERAGE_COMPLETE, ends, starts))


def no_sub_bars() -> SubBars:
    """Return empty columns for a run that uses no finer bars."""
    prices, spans = np.empty(0), np.empty(0, dtype=np.int64)
    return SubBars(prices, prices, prices, prices, spans, spans)


def is_complete(candle: tuple[float, float, float, float], finer: Bars) -> bool:
    """Return whether finer bars make up one bar (open, high, low, close).

    Raises:
        CandleError: They leave its high or low.
    """
    result = int(coverage(finer.opens, finer.highs, finer.lows, finer.closes, *candle))
    if result == COVERAGE_OUTSIDE:
        raise CandleError(f"finer bars leave the high or low of their bar {candle}; take both from one source")
    return result == COVERAGE_COMPLETE


@compiled
def coverage(
    opens: Floats, highs: Floats, lows: Floats, closes: Floats, o: float, h: float, low: float, c: float
) -> int:
    """Return the SubBarFit of the bar `o h low c` by finer bars, float64[k] each."""
    if opens.shape[0] == 0:
        return COVERAGE_NONE
    top, bottom = highs[0], lows[0]
    for i in range(1, highs.shape[0]):
        top, bottom = max(top, highs[i]), min(bottom, lows[i])
    slack = h * TOLERANCE_RATIO
    if top > h + slack or bottom < low - slack:
        return COVERAGE_OUTSIDE
    reaches_extremes = top >= h - slack and bottom <= low + slack
    is_equal = reaches_extremes and abs(opens[0] - o) <= slack and abs(closes[-1] - c) <= slack
    return COVERAGE_COMPLETE if is_equal else COVERAGE_PARTIAL


@compiled
def _coverages(coarse: Bars, finer: Bars, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int8]:
    result = np.empty(starts.shape[0], dtype=np.int8)
    for i in range(starts.shape[0]):
        a, b = starts[i], ends[i]
        result[i] = coverage(
            finer.opens[a:b],
            finer.highs[a:b],
            finer.lows[a:b],
            finer.closes[a:b],
            coarse.opens[i],
            coarse.highs[i],
            coarse.lows[i],
            coarse.closes[i],
        )
    return result


def _check(candles: Candles, outside: NDArray[np.bool_], overruns: NDArray[np.bool_]) -> None:
    bad = np.flatnonzero(outside | overruns)
    if not len(bad):
        return
    errors = [
        FieldError(
            f"candles[{row}]",
            int(candles.time_ms[row]),
            "finer bars within its high and low" if outside[row] else "finer bars that end with it",
        )
        for row in bad[:MAX_ROWS_LISTED].tolist()
    ]
    raise CandleError(
        f"finer bars contradict {len(bad)} bars; the first is bar {bad[0]}, which needs {errors[0].allowed}; "
        "take both from one source",
        errors=errors,
    )
