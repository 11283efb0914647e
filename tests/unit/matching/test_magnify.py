"""Finer bars give the order of a bar's high and low, so that the bar is not ambiguous."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from tests.unit.matching.tables import FREE, MINUTE_MS, SIGNAL_BAR, Bar, candles, one_entry

from seatrial_core.errors import ValidationFailed
from seatrial_trading.matching import BarStepper, Scanner, simulate
from seatrial_trading.quant.candles import CandleError, Candles

QUARTER_MS = MINUTE_MS // 4
MAGNIFY = replace(FREE, intrabar="magnify")


def quarters(bars: Sequence[Sequence[Bar]]) -> Candles:
    """Return up to four finer bars for each bar."""
    rows = [(MINUTE_MS * i + QUARTER_MS * j, *bar) for i, inside in enumerate(bars) for j, bar in enumerate(inside)]
    names = ("time", "open", "high", "low", "close")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    return Candles.from_columns("X", columns, QUARTER_MS)


def steps(*prices: float) -> list[Bar]:
    """Return bars that go straight from each price to the next."""
    return [(a, max(a, b), min(a, b), b) for a, b in pairwise(prices)]


CALM = steps(100, 101, 99, 100)


@pytest.mark.parametrize(
    ("inside", "price"),
    [(steps(100, 106, 94, 100), 105.0), (steps(100, 94, 106, 100), 95.0)],
    ids=["high first", "low first"],
)
def test_the_order_inside_the_bar_decides(inside: list[Bar], price: float) -> None:
    bars, finer = candles([SIGNAL_BAR, (100, 106, 94, 100)]), quarters([CALM, inside])

    result = simulate(bars, one_entry(2, 95, 105), MAGNIFY, finer)

    assert [trade.exit_price for trade in result.trades] == [price]
    assert not result.trades[0].ambiguous
    assert (result.ambiguous_bars, result.magnified_bars, result.unmagnified_bars) == (0, 1, 0)


def test_a_stop_hit_between_a_late_entry_and_the_target_is_seen() -> None:
    # Both paths of the whole bar reach the stop entry at 103 and then 108; the true one fell back to 98 in between.
    bars = candles([SIGNAL_BAR, (100, 109, 97, 105)])
    finer = quarters([CALM, [(100, 104, 100, 104), (104, 104, 97, 97), (97, 109, 97, 109), (109, 109, 105, 105)]])
    signals = replace(one_entry(2, 98, 108), entry_type=np.full(2, 2, dtype=np.int8), stop_price=np.full(2, 103.0))

    guessed, seen = simulate(bars, signals, FREE), simulate(bars, signals, MAGNIFY, finer)

    assert [(t.entry_price, t.exit_price, t.ambiguous) for t in guessed.trades] == [(103, 108, False)]
    assert [(t.entry_price, t.exit_price, t.ambiguous) for t in seen.trades] == [(103, 98, False)]


def test_an_ambiguous_finer_bar_uses_the_worst_rule_and_is_counted() -> None:
    bars = candles([SIGNAL_BAR, (100, 106, 94, 100)])
    finer = quarters([CALM, [(100, 101, 100, 101), (101, 106, 94, 100)]])

    result = simulate(bars, one_entry(2, 95, 105), MAGNIFY, finer)

    assert result.trades[0].exit_price == 95
    assert result.trades[0].ambiguous
    assert result.ambiguous_bars == 1


@pytest.mark.parametrize(
    "inside",
    [[], steps(100, 94, 100), steps(101, 106, 94, 100), steps(100, 106, 94, 99)],
    ids=["none", "its high is missing", "its open is missing", "its close is missing"],
)
def test_a_bar_without_all_its_finer_bars_uses_the_worst_rule_and_is_counted(inside: list[Bar]) -> None:
    bars, finer = candles([SIGNAL_BAR, (100, 106, 94, 100)]), quarters([CALM, inside])

    result = simulate(bars, one_entry(2, 95, 105), MAGNIFY, finer)

    assert [trade.exit_price for trade in result.trades] == [95]
    assert result.trades[0].ambiguous
    assert (result.magnified_bars, result.unmagnified_bars) == (0, 1)


def test_an_order_expires_by_bars_not_by_finer_bars() -> None:
    bars = candles([SIGNAL_BAR] * 3 + [(100, 101, 89, 100)])
    finer = quarters([CALM, CALM, CALM, steps(100, 101, 89, 100)])
    limit = replace(one_entry(4), entry_type=np.ones(4, dtype=np.int8), limit_price=np.full(4, 90.0))

    late = simulate(bars, replace(limit, expires=np.full(4, 2)), MAGNIFY, finer)
    timely = simulate(bars, replace(limit, expires=np.full(4, 3)), MAGNIFY, finer)

    assert [item.reason for item in late.rejected] == ["the order expired unfilled"]
    assert [trade.entry_price for trade in timely.trades] == [90]


def test_a_scan_magnifies_as_whole_arrays_do() -> None:
    bars, finer = candles([SIGNAL_BAR, (100, 106, 94, 100)]), quarters([CALM, steps(100, 106, 94, 100)])

    trade = Scanner(bars, MAGNIFY, finer).scan(0, 1, 95, 105, stop_base="price")

    assert trade == simulate(bars, one_entry(2, 95, 105), MAGNIFY, finer).trades[0]


def interval(candles: Candles, milliseconds: int) -> Candles:
    return replace(candles, interval_ms=milliseconds)


def test_missing_or_foreign_finer_bars_are_refused_with_what_to_do() -> None:
    bars, signals = candles([SIGNAL_BAR, SIGNAL_BAR]), one_entry(2)
    finer = quarters([CALM, CALM])

    with pytest.raises(ValidationFailed, match="or magnify together with `finer`, bars of a shorter interval"):
        simulate(bars, signals, MAGNIFY)
    with pytest.raises(ValidationFailed, match="was 'Y'; allowed: X, the symbol of the bars"):
        simulate(bars, signals, MAGNIFY, replace(finer, symbol="Y"))
    for milliseconds in (2 * MINUTE_MS, 7_000):
        with pytest.raises(ValidationFailed, match="a length that divides the bars' 60000 ms"):
            simulate(bars, signals, MAGNIFY, interval(finer, milliseconds))


@pytest.mark.parametrize("extreme", [(100.0, 102.0, 99.0, 100.0), (100.0, 101.0, 98.0, 100.0)])
def test_finer_bars_that_leave_their_bar_are_listed(extreme: Bar) -> None:
    bars, finer = candles([SIGNAL_BAR, SIGNAL_BAR]), quarters([CALM, [extreme]])

    with pytest.raises(CandleError, match="contradict 1 bars; the first is bar 1") as caught:
        simulate(bars, one_entry(2), MAGNIFY, finer)

    assert [item.field for item in caught.value.errors] == ["candles[1]"]
    with pytest.raises(CandleError, match="leave the high or low of their bar"):
        BarStepper(MAGNIFY).on_bar(0, *SIGNAL_BAR, finer=[extreme])


def test_a_finer_bar_across_the_end_of_its_bar_is_refused() -> None:
    finer = quarters([steps(100, 101, 99, 100, 100), CALM])
    shifted = replace(finer, time_ms=finer.time_ms + QUARTER_MS // 2)

    with pytest.raises(CandleError, match="finer bars that end with it"):
        simulate(candles([SIGNAL_BAR, SIGNAL_BAR]), one_entry(2), MAGNIFY, shifted)


def test_other_rules_do_not_look_at_finer_bars() -> None:
    bars, finer = candles([SIGNAL_BAR, (100, 106, 94, 100)]), quarters([CALM, steps(100, 106, 94, 100)])

    result = simulate(bars, one_entry(2, 95, 105), FREE, finer)

    assert result.trades[0].exit_price == 95
    assert (result.magnified_bars, result.unmagnified_bars) == (0, 0)
