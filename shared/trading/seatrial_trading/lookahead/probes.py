"""Which bars are cut at: all of a short series, else a seeded sample that has the decisions in it."""

import numpy as np
from numpy.typing import NDArray

Bars = NDArray[np.intp]
EXHAUSTIVE_BELOW = 2_000


def cuts(active: NDArray[np.bool_], most: int, seed: int, exhaustive_below: int = EXHAUSTIVE_BELOW) -> Bars:
    """Return the bars to cut after, ascending; the last bar is none of them, it has no future.

    Half are stratified over all bars, half are bars on which something is decided and the bars before them.

    Args:
        active: Bars on which the strategy asked for something.
        most: So many at most, unless the series is short.
        seed: Of the sample.
        exhaustive_below: A series of at most so many bars is cut at every bar.
    """
    last = len(active) - 1
    if last <= min(most, exhaustive_below) or len(active) <= exhaustive_below:
        return np.arange(max(last, 0))
    chance = np.random.default_rng(seed)
    decided = np.flatnonzero(active[:last])
    decided = np.unique(np.concatenate((decided, np.maximum(decided - 1, 0))))
    wanted = min(len(decided), most - most // 2)
    chosen = chance.choice(decided, wanted, replace=False) if wanted else decided
    spread = stratified(last, most - wanted, chance)
    return np.unique(np.concatenate((chosen, spread))).astype(np.intp)


def stratified(bars: int, count: int, chance: np.random.Generator) -> Bars:
    """Return one random bar from each of `count` equal stretches."""
    edges = np.linspace(0, bars, min(count, bars) + 1)
    return np.unique((edges[:-1] + chance.uniform(0.0, 1.0, len(edges) - 1) * np.diff(edges)).astype(np.intp))
