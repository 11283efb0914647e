"""The bars of several series in the order of time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class BarOrder:
    """The bars of several series, grouped into steps: one step is one time.

    Arrays, because an object for each of a million bars would make every garbage collection stop the process.

    Args:
        series: The series of each bar, ordered by time, then by series, int64[n].
        bars: Its index in its series, int64[n].
        starts: Where each step starts, and n, int64[steps + 1].
    """

    series: NDArray[np.int64]
    bars: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, times: Sequence[NDArray[np.int64]]) -> "BarOrder":
        """Return the order of bars.

        Args:
            times: The times of each series, increasing; one series with one bar at least.
        """
        lengths = [len(column) for column in times]
        joined = np.concatenate(times)
        order = np.argsort(joined, kind="stable")  # stable: the series keep their order within a step
        series = np.repeat(np.arange(len(times)), lengths)[order]
        bars = np.concatenate([np.arange(length) for length in lengths])[order]
        is_start = np.ones(len(joined), dtype=np.bool_)
        is_start[1:] = np.diff(joined[order]) != 0
        return cls(series, bars, np.append(np.flatnonzero(is_start), len(joined)))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of_step(self, step: int) -> list[tuple[int, int]]:
        """Return series and index of each bar of a step."""
        here = slice(int(self.starts[step]), int(self.starts[step + 1]))
        return list(zip(self.series[here].tolist(), self.bars[here].tolist(), strict=True))
