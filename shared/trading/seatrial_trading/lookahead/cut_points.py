"""Chooses the bars after which the future is cut: all of a short series, else a seeded sample with many decisions."""

import numpy as np
from numpy.typing import NDArray

Bars = NDArray[np.intp]
EXHAUSTIVE_BELOW = 2_000


def cuts(active: NDArray[np.bool_], limit: int, seed: int, exhaustive_below: int = EXHAUSTIVE_BELOW) -> Bars:
    """Return the bars to cut after, ascending, intp[k], without the last bar.

    Half are stratified over all bars, half are bars with a decision and the bars before them.

    Args:
        active: Bars with a decision, bool[n].
        limit: Maximum number of cuts, unless the series is short.
        seed: Seed of the sample.
        exhaustive_below: Series of at most this many bars are cut at every bar.
    """
    last = len(active) - 1
    if last <= min(limit, exhaustive_below) or len(active) <= exhaustive_below:
        return np.arange(max(last, 0))
    chance = np.random.default_rng(seed)
    decided = np.flatnonzero(active[:last])
    decided = np.unique(np.concatenate((decided, np.maximum(decided - 1, 0))))
    decision_count = min(len(decided), limit - limit // 2)
    decisions = chance.choice(decided, decision_count, replace=False) if decision_count else decided
    spread = stratified(last, limit - decision_count, chance)
    return np.unique(np.concatenate((decisions, spread))).astype(np.intp)


def stratified(bars: int, count: int, chance: np.random.Generator) -> Bars:
    """Return one random bar from each of `count` equal intervals of `bars` bars, intp[k]."""
    edges = np.linspace(0, bars, min(count, bars) + 1)
    return np.unique((edges[:-1] + chance.uniform(0.0, 1.0, len(edges) - 1) * np.diff(edges)).astype(np.intp))
