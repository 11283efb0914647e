"""A random rule over the past passes the proof; the same rule with one index turned round does not."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.unit.lookahead.lookahead_bars import hours, proof
from tests.unit.lookahead.planted import rolling_mean, signals

from seatrial_trading.lookahead import CheckPlan, LookaheadCheck, LookaheadVerdict
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

QUICK = CheckPlan(poisonings=6, warm_up=False)
COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Rule:
    """Two columns, each averaged over some bars and seen some bars late, compared."""

    left: tuple[str, int, int]
    right: tuple[str, int, int]
    factor: float

    def __call__(self, candles: Candles) -> Signals:
        """Return its signals."""
        wants: NDArray[np.bool_] = self._seen(candles, self.left) > self.factor * self._seen(candles, self.right)
        return signals(wants)

    def _seen(self, candles: Candles, part: tuple[str, int, int]) -> NDArray[np.float64]:
        column, window, late = part
        mean = rolling_mean(getattr(candles, column), window)
        return shifted(mean, late)


def shifted(values: NDArray[np.float64], late: int) -> NDArray[np.float64]:
    """Return values seen `late` bars later; a negative number looks ahead."""
    gap = np.full(min(abs(late), len(values)), np.nan)
    kept = max(len(values) - abs(late), 0)
    return np.concatenate((gap, values[:kept])) if late >= 0 else np.concatenate((values[-late:], gap))


parts = st.tuples(st.sampled_from(COLUMNS[:4]), st.integers(1, 30), st.integers(0, 12))
rules = st.builds(Rule, parts, parts, st.floats(0.98, 1.02))


@given(rule=rules, seed=st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_a_random_rule_over_the_past_is_never_reported(rule: Rule, seed: int) -> None:
    report = proof(rule, hours(100, seed), QUICK)

    assert report.verdict in (LookaheadVerdict.CLEAN, LookaheadVerdict.NOT_JUDGED), report
    assert (report.verdict is LookaheadVerdict.CLEAN) == (report.coverage.decisions > 0)


@given(ahead=st.integers(1, 12), window=st.integers(1, 20), seed=st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_a_random_look_ahead_is_found_however_far_it_looks(ahead: int, window: int, seed: int) -> None:
    report = proof(Rule(("close", window, -ahead), ("close", 1, 0), 1.0), hours(100, seed), QUICK)

    findings = {finding.check: finding for finding in report.findings}
    assert report.verdict is LookaheadVerdict.LEAK
    reach = findings[LookaheadCheck.PREFIX_REPLAY].reach_bars
    assert reach is not None
    assert 1 <= reach <= ahead
