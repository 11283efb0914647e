"""Runs a strategy again on changed bars and gathers where it decided differently."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from seatrial_trading.lookahead.decisions import StrategyDecisions, differing
from seatrial_trading.quant.candles import Candles

Decide = Callable[[Candles], StrategyDecisions]


@dataclass(frozen=True)
class Difference:
    """One bar at which a run on changed bars decided differently."""

    bar: int
    cut: int
    how: str
    whole: str
    changed: str

    @property
    def reach_bars(self) -> int:
        """Return how many bars ahead the decision must have looked: all up to the cut were as before."""
        return self.cut - self.bar + 1


@dataclass
class ComparisonCounts:
    """What a check has seen so far.

    Args:
        whole: The decisions on untouched bars.
    """

    whole: StrategyDecisions
    runs: int = 0
    raised: int = 0
    rows: int = 0
    differing: int = 0
    first: Difference | None = None
    reach_bars: int = 0
    error: str = ""
    cuts: set[int] = field(default_factory=set)

    def probe(self, decide: Decide, candles: Candles, cut: int, how: str) -> bool:
        """Run on bars that are true up to `cut`; return whether a decision up to there differs."""
        self.runs += 1
        self.cuts.add(cut)
        try:
            again = decide(candles)
        except Exception as error:  # noqa: BLE001  a strategy may raise anything on a part of its bars; it is counted
            self.raised += 1
            self.error = self.error or f"{type(error).__name__}: {error}"
            return False
        return self.compare(again, cut, how)

    def compare(self, again: StrategyDecisions, cut: int, how: str) -> bool:
        """Hold a run's decisions up to `cut` against the whole run's."""
        known = min(cut + 1, len(again))
        self.rows += known
        bars = differing(self.whole, again, known)
        if not len(bars):
            return False
        self.differing += 1
        # A decision that only the whole series can have made is seen best at the earliest bar.
        found = Difference(int(bars[0]), cut, how, self.whole.at(int(bars[0])), again.at(int(bars[0])))
        if self.first is None or (found.bar, found.cut) < (self.first.bar, self.first.cut):
            self.first = found
        self.reach_bars = max(self.reach_bars, int(np.max(cut - bars)) + 1)
        return True
