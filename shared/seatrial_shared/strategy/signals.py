"""What a strategy wants, as arrays: row i is decided at the close of bar i, to fill at the next open at best."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Signals:
    """The decisions of a strategy, one row a bar.

    Args:
        entry: +1 opens long, -1 opens short, 0 nothing, int8[n].
        exit: Close whatever is open, bool[n].
        stop_loss, take_profit, trailing: float64[n], NaN for none; None for none at all.
        stop_base: `fill`: the three are ratios of the fill price (0.02 = 2 %); `price`: absolute prices
            (trailing: a distance).
    """

    entry: NDArray[np.int8]
    exit: NDArray[np.bool_]
    stop_loss: NDArray[np.float64] | None = None
    take_profit: NDArray[np.float64] | None = None
    trailing: NDArray[np.float64] | None = None
    stop_base: Literal["fill", "price"] = "fill"

    def __post_init__(self) -> None:
        lengths = {
            name: len(array)
            for name in ("entry", "exit", "stop_loss", "take_profit", "trailing")
            if (array := getattr(self, name)) is not None
        }
        if len(set(lengths.values())) != 1:
            raise ValueError(f"signal columns must have one length, found {lengths}")

    def __len__(self) -> int:
        return len(self.entry)
