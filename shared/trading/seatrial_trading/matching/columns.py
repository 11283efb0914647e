"""Bars and decisions as columns in the form that the compiled loop reads."""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching.layout import BASE_FILL_RATIO, BASE_PRICE
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.column import Bools, Floats
from seatrial_trading.quant.jit import compiled
from seatrial_trading.strategy.signals import Signals

Shorts = NDArray[np.int8]
Scalar = TypeVar("Scalar", bound=np.generic)


class Bars(NamedTuple):
    """The price columns of a run, float64[n] each."""

    opens: Floats
    highs: Floats
    lows: Floats
    closes: Floats


class SubBars(NamedTuple):
    """The price columns of finer bars, float64[k]; bar i is made of rows starts[i] to ends[i], int64[n].

    Empty `starts` mean that the run uses no finer bars.
    """

    opens: Floats
    highs: Floats
    lows: Floats
    closes: Floats
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


class Orders(NamedTuple):
    """The decisions of a run; a column has n rows, or one row that counts for all bars."""

    entry: Shorts
    exit: Bools
    stop: Floats
    target: Floats
    trail: Floats
    base: Shorts
    kind: Shorts
    limit: Floats
    trigger: Floats
    expires: NDArray[np.int64]
    size_kind: Shorts
    size: Floats


def price_columns(candles: Candles) -> Bars:
    """Return the columns that the loop reads."""
    return Bars(candles.open, candles.high, candles.low, candles.close)


def order_columns(signals: Signals) -> Orders:
    """Return the decisions in the form that the loop reads."""
    none = np.full(1, np.nan)
    return Orders(
        entry=np.ascontiguousarray(signals.entry),
        exit=np.ascontiguousarray(signals.exit),
        stop=none if signals.stop_loss is None else _float_column(signals.stop_loss),
        target=none if signals.take_profit is None else _float_column(signals.take_profit),
        trail=none if signals.trailing is None else _float_column(signals.trailing),
        base=_short_column(signals.base, BASE_PRICE if signals.stop_base == "price" else BASE_FILL_RATIO),
        kind=_short_column(signals.entry_type),
        limit=none if signals.limit_price is None else np.ascontiguousarray(signals.limit_price),
        trigger=none if signals.stop_price is None else np.ascontiguousarray(signals.stop_price),
        expires=np.zeros(1, dtype=np.int64) if signals.expires is None else np.ascontiguousarray(signals.expires),
        size_kind=_short_column(signals.size_kind),
        size=none if signals.size is None else np.ascontiguousarray(signals.size),
    )


@compiled
def pick(column: NDArray[Scalar], i: int) -> Scalar:
    """Return the value of a column for bar `i`; a column of one row counts for all bars."""
    value: Scalar = column[i if column.shape[0] > 1 else 0]
    return value


def _float_column(column: Floats) -> Floats:
    return np.ascontiguousarray(column[:1] if column.strides == (0,) else column)  # a broadcast number stays one row


def _short_column(column: Shorts | None, default: int = 0) -> Shorts:
    return np.full(1, default, dtype=np.int8) if column is None else np.ascontiguousarray(column)
