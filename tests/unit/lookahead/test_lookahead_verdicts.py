"""What is not proven is not called clean, what was changed for a trial is put back, a finding names its bar."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.unit.lookahead.lookahead_bars import hours, proof

from seatrial_backtesting.lookahead.outside_data import find_outside_data
from seatrial_trading.lookahead import CheckPlan, LookaheadCheck, LookaheadVerdict
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

QUICK = CheckPlan(costly_rows=5_000)


def test_a_strategy_that_decides_nothing_is_not_judged() -> None:
    report = proof(lambda history, symbol: None)

    assert report.verdict is LookaheadVerdict.NOT_JUDGED
    assert report.exit_code == 4
    assert "decided nothing" in report.reason


def test_a_strategy_that_raises_is_not_judged() -> None:
    def broken(candles: Candles) -> Signals:
        raise RuntimeError("no model")

    report = proof(broken)

    assert report.verdict is LookaheadVerdict.NOT_JUDGED
    assert "no model" in report.reason


def test_a_strategy_that_raises_on_most_shorter_bars_is_not_judged() -> None:
    def picky(candles: Candles) -> Signals:
        if len(candles) < 440:
            raise ValueError("too few bars")
        up = candles.close > candles.open
        return Signals(up.astype(np.int8), ~up)

    report = proof(picky)

    assert report.verdict is LookaheadVerdict.NOT_JUDGED
    assert report.coverage.runs_raised > 300


def test_numbers_of_unknown_origin_are_not_judged() -> None:
    candles = hours(200)
    score = (candles.close - candles.close.mean()) / candles.close.std()

    report = proof(lambda history, symbol: {"action": "buy" if score[len(history) - 1] < 0 else "sell"}, candles, QUICK)

    assert report.verdict is LookaheadVerdict.NOT_JUDGED
    assert "score" in report.reason
    assert "make(candles)" in report.reason


def test_bars_of_another_interval_from_outside_are_not_judged() -> None:
    candles = hours(1_440)
    daily = pd.DataFrame({"close": candles.close[23::24].copy()})

    def today(history: Any, symbol: str) -> dict[str, str]:
        day = (len(history) - 1) // 24
        return {"action": "buy" if daily["close"].iloc[day] > history[-1]["close"] else "sell"}

    report = proof(today, candles, QUICK)

    assert report.verdict is LookaheadVerdict.NOT_JUDGED
    assert "daily['close']" in report.reason


def test_a_constant_outside_list_does_not_prevent_the_check() -> None:
    weights = np.linspace(0.0, 1.0, 40)

    def weighted(candles: Candles) -> Signals:
        padded = np.concatenate((np.full(39, candles.close[0]), candles.close))
        above = candles.close > np.convolve(padded, weights / weights.sum(), mode="valid")
        return Signals(above.astype(np.int8), ~above)

    assert proof(weighted, hours(300)).verdict is LookaheadVerdict.CLEAN


def test_a_finding_names_the_first_bar_and_both_sides() -> None:
    candles = hours(100)

    def peek(c: Candles) -> Signals:
        entry = np.zeros(len(c), dtype=np.int8)
        if len(c) > 41:  # the bar after the one that it enters on
            entry[40] = 1
        return Signals(entry, np.zeros(len(c), dtype=np.bool_))

    finding = next(item for item in proof(peek, candles).findings if item.check is LookaheadCheck.PREFIX_REPLAY)

    assert (finding.bar, finding.cut, finding.reach_bars) == (40, 40, 1)
    assert finding.time_ms == candles.time_ms[40]
    assert (finding.whole, finding.changed) == ("entry=1", "nothing")
    assert "shift(-1)" in finding.advice


def test_data_changed_for_a_check_is_restored() -> None:
    candles = hours(120)
    frame, rows = pd.DataFrame({"close": candles.close.copy()}), [{"close": float(price)} for price in candles.close]
    read_only = candles.close.copy()
    read_only.flags.writeable = False

    def strategy(history: Any, symbol: str) -> dict[str, str]:
        now = len(history) - 1
        same = frame["close"].iloc[now] == rows[now]["close"] == read_only[now]
        return {"action": "buy" if same and now % 7 == 0 else "sell"}

    report = proof(strategy, candles, QUICK)

    assert report.verdict is LookaheadVerdict.CLEAN
    assert set(find_outside_data(strategy, candles).names) == {"frame['close']", "rows", "read_only"}
    assert np.array_equal(frame["close"], candles.close)
    assert [row["close"] for row in rows] == candles.close.tolist()
    assert not read_only.flags.writeable
    assert np.array_equal(read_only, candles.close)


def test_data_that_begins_before_the_bars_is_recognised() -> None:
    longer = hours(200)
    candles = Candles.from_columns("TEST", {name: cells[50:] for name, cells in longer.to_columns().items()})
    closes = longer.close.copy()

    def peek(history: Any, symbol: str) -> dict[str, str]:
        following = closes[50 + len(history)] if len(history) < 150 else 0.0
        return {"action": "buy" if following > history[-1]["close"] else "sell"}

    assert [finding.check for finding in proof(peek, candles, QUICK).findings] == [LookaheadCheck.OUTSIDE_DATA]


class Counting:
    """A strategy that is an object."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, history: Any, symbol: str) -> dict[str, str] | None:
        self.seen += 1
        return {"action": "buy"} if self.seen % 9 == 0 else None


def test_state_of_an_object_is_found() -> None:
    report = proof(Counting(), hours(100))

    assert [finding.check for finding in report.findings] == [LookaheadCheck.STATE_LEAK]


def test_a_strategy_that_depends_on_its_start_is_reported_to_drift() -> None:
    def since_the_start(candles: Candles) -> Signals:
        mean = np.cumsum(candles.close) / np.arange(1, len(candles) + 1)
        above = candles.close > mean
        return Signals(above.astype(np.int8), ~above)

    report = proof(since_the_start, hours(700))

    assert report.verdict is LookaheadVerdict.CLEAN
    assert report.warm_up is not None
    assert report.warm_up.drift_bars is None
    assert any("does not reach the same decisions" in note for note in report.notes)


def test_recursive_indicators_agree_some_bars_after_their_warm_up() -> None:
    report = proof("macd", hours(1_200), CheckPlan(exhaustive_below=100, cuts=20, poisonings=4))

    assert report.warm_up is not None
    assert report.warm_up.declared_bars == 35
    assert report.warm_up.drift_bars is not None
    assert 0 < report.warm_up.drift_bars < 200


def test_a_strategy_that_rejects_other_bars_has_no_state_finding() -> None:
    candles = hours(200)

    def careful(c: Candles) -> Signals:
        if np.abs(np.diff(np.log(c.close[:50]))).max() > 0.5:
            raise ValueError("no market moves like that")
        up = c.close > c.open
        return Signals(up.astype(np.int8), ~up)

    report = proof(careful, candles)

    assert not report.findings
    assert report.verdict is LookaheadVerdict.CLEAN


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_report(seed: int) -> None:
    one, other = (proof("sma_cross", hours(300, seed)).document() for _ in range(2))

    assert one == other
