"""Decisions of a strategy as arrays: row i is decided at the close of bar i and fills at the next open or later."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Signals:
    """The decisions of a strategy, one row per bar.

    Args:
        entry: +1 opens long, -1 opens short, 0 nothing, int8[n].
        exit: Close the open position and cancel a pending entry, bool[n].
        stop_loss, take_profit, trailing: float64[n], NaN for none; None for none at all.
        stop_base: `fill`: the three are ratios of the fill price (0.02 = 2 %); `price`: absolute prices
            (trailing: a distance).
        entry_type: How each entry is placed: 0 market, 1 limit, 2 stop, 3 stop-limit, int8[n]; None: all market.
        limit_price, stop_price: Prices of the entry orders, float64[n], NaN or None where there is none.
        expires: Number of bars an entry order is pending at most, 0 for no limit, int64[n]; None: no limit.
        base: Where rows differ from `stop_base`: 0 ratios of the fill, 1 prices, 2 prices with a trailing that is a
            ratio of the fill, int8[n]; None: all as `stop_base` says.
        size: Size of this entry, float64[n]; NaN or None uses the sizing of the run.
        size_kind: What that number is: 0 units, 1 money, 2 share of the equity, 3 share at risk, int8[n]; None: units.
    """

    entry: NDArray[np.int8]
    exit: NDArray[np.bool_]
    stop_loss: NDArray[np.float64] | None = None
    take_profit: NDArray[np.float64] | None = None
    trailing: NDArray[np.float64] | None = None
    stop_base: Literal["fill", "price"] = "fill"
    entry_type: NDArray[np.int8] | None = None
    limit_price: NDArray[np.float64] | None = None
    stop_price: NDArray[np.float64] | None = None
    expires: NDArray[np.int64] | None = None
    base: NDArray[np.int8] | None = None
    size: NDArray[np.float64] | None = None
    size_kind: NDArray[np.int8] | None = None

    def __post_init__(self) -> None:
        columns = ("entry", "exit", "stop_loss", "take_profit", "trailing", "entry_type", "limit_price", "stop_price")
        lengths = {
            name: len(array)
            for name in (*columns, "expires", "base", "size", "size_kind")
            if (array := getattr(self, name)) is not None
        }
        if len(set(lengths.values())) != 1:
            raise ValueError(f"signal columns must have one length, were {lengths}")

    def __len__(self) -> int:
        return len(self.entry)
