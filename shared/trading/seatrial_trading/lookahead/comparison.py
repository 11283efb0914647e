"""Runs a strategy again on altered bars and counts where it decides differently."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from seatrial_trading.lookahead.decisions import StrategyDecisions, differing
from seatrial_trading.quant.candles import Candles

Decide = Callable[[Candles], StrategyDecisions]


@dataclass(frozen=True)
class Difference:
    """One bar at which a run on altered bars decides differently."""

    bar: int
    cut: int
    how: str
    whole: str
    changed: str

    @property
    def reach_bars(self) -> int:
        """Return how many bars ahead the decision looks at least: all bars up to the cut are unchanged."""
        return self.cut - self.bar + 1


@dataclass
class ComparisonCounts:
    """Results of one check so far.

    Args:
        whole: The decisions on unchanged bars.
        runs, raised, differing: Numbers of runs, of those that raised, and of those that decided differently.
        rows: Number of decisions compared.
        first: The difference at the earliest bar.
        reach_bars: Most bars that a decision looked ahead.
        error: The first exception.
        cuts: The bars after which something was altered.
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
        """Run on bars that are unchanged up to `cut`; return whether a decision up to there differs."""
        self.runs += 1
        self.cuts.add(cut)
        try:
            again = decide(candles)
        except Exception as error:  # noqa: BLE001  a strategy may raise anything; it is counted
            self.raised += 1
            self.error = self.error or f"{type(error).__name__}: {error}"
            return False
        return self.compare(again, cut, how)

    def compare(self, again: StrategyDecisions, cut: int, how: str) -> bool:
        """Compare a run's decisions up to `cut` with the whole run's; return whether any differs."""
        rows = min(cut + 1, len(again))
        self.rows += rows
        bars = differing(self.whole, again, rows)
        if not len(bars):
            return False
        self.differing += 1
        # The earliest bar shows best what a decision needs from later bars.
        difference = Difference(int(bars[0]), cut, how, self.whole.at(int(bars[0])), again.at(int(bars[0])))
        if self.first is None or (difference.bar, difference.cut) < (self.first.bar, self.first.cut):
            self.first = difference
        self.reach_bars = max(self.reach_bars, int(np.max(cut - bars)) + 1)
        return True
