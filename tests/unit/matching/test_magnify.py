"""Finer bars tell in which order a bar's high and low came; where they do, nothing is left to guess."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.unit.matching.tables import FREE, MINUTE_MS, SIGNAL_BAR, Bar, candles, one_entry
from tests.unit.matching.test_agreement import CONFIGS, market, order_at, with_orders

from seatrial_shared.errors import ValidationFailed
from seatrial_shared.matching import BarStepper, ExecutionConfig, Scanner, TradeRecord, bounds, simulate
from seatrial_shared.quant.candles import CandleError, Candles
from seatrial_shared.strategy.signals import Signals

QUARTER_MS = MINUTE_MS // 4
MAGNIFY = replace(FREE, intrabar="magnify")
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def quarters(bars: Sequence[Sequence[Bar]]) -> Candles:
    """Return up to four finer bars for each bar."""
    rows = [(MINUTE_MS * i + QUARTER_MS * j, *bar) for i, inside in enumerate(bars) for j, bar in enumerate(inside)]
    names = ("time", "open", "high", "low", "close")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    return Candles.from_columns("X", columns, QUARTER_MS)


def steps(*prices: float) -> list[Bar]:
    """Return bars that go straight from each price to the next."""
    return [(a, max(a, b), min(a, b), b) for a, b in pairwise(prices)]


def aggregated(finer: Candles, size: int) -> Candles:
    """Return bars of `size` finer bars each."""
    shape = (-1, size)
    return Candles(
        finer.symbol,
        finer.time_ms[::size],
        finer.open[::size],
        finer.high.reshape(shape).max(axis=1),
        finer.low.reshape(shape).min(axis=1),
        finer.close[size - 1 :: size],
        finer.volume[::size],
        finer.interval_ms * size,
    )


def coarse_market(seed: int, n: int, size: int = 5) -> tuple[Candles, Candles, Signals]:
    """Return finer bars, the bars they make, and decisions on those."""
    finer, _ = market(seed, n * size)
    _, signals = market(seed + 1, n)
    assert signals.stop_loss is not None
    assert signals.take_profit is not None
    wider = replace(signals, stop_loss=signals.stop_loss * 2.0, take_profit=signals.take_profit * 2.0)
    return finer, aggregated(finer, size), wider


def gapless(finer: Candles) -> Candles:
    """Return the bars with every open moved to the close before it."""
    opened = np.concatenate((finer.open[:1], finer.close[:-1]))
    return replace(finer, open=opened, high=np.maximum(finer.high, opened), low=np.minimum(finer.low, opened))


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


def test_an_ambiguous_finer_bar_goes_by_the_worst_rule_and_is_counted() -> None:
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
def test_a_bar_without_all_its_finer_bars_goes_by_the_worst_rule_and_is_counted(inside: list[Bar]) -> None:
    bars, finer = candles([SIGNAL_BAR, (100, 106, 94, 100)]), quarters([CALM, inside])

    result = simulate(bars, one_entry(2, 95, 105), MAGNIFY, finer)

    assert [trade.exit_price for trade in result.trades] == [95]
    assert result.trades[0].ambiguous
    assert (result.magnified_bars, result.unmagnified_bars) == (0, 1)


def test_an_order_waits_as_many_bars_as_it_says_however_many_finer_ones_there_are() -> None:
    bars = candles([SIGNAL_BAR] * 3 + [(100, 101, 89, 100)])
    finer = quarters([CALM, CALM, CALM, steps(100, 101, 89, 100)])
    limit = replace(one_entry(4), entry_type=np.ones(4, dtype=np.int8), limit_price=np.full(4, 90.0))

    late = simulate(bars, replace(limit, expires=np.full(4, 2)), MAGNIFY, finer)
    timely = simulate(bars, replace(limit, expires=np.full(4, 3)), MAGNIFY, finer)

    assert [each.reason for each in late.rejected] == ["the order expired unfilled"]
    assert [trade.entry_price for trade in timely.trades] == [90]


@FEW
@given(st.integers(0, 10_000), CONFIGS, st.booleans())
def test_bars_that_are_their_own_finer_bars_give_the_worst_result(
    seed: int, config: ExecutionConfig, with_waiting: bool
) -> None:
    bars, signals = market(seed, 120)
    signals = with_orders(bars, signals, seed) if with_waiting else signals

    seen = simulate(bars, signals, replace(config, intrabar="magnify"), bars)
    guessed = simulate(bars, signals, replace(config, intrabar="worst"))

    assert seen.trades == guessed.trades
    assert seen.equity.tolist() == guessed.equity.tolist()
    assert seen.low_equity.tolist() == guessed.low_equity.tolist()
    assert seen.ambiguous_bars == guessed.ambiguous_bars


@FEW
@given(st.integers(0, 10_000), st.booleans())
def test_nothing_is_ambiguous_where_every_finer_bar_goes_one_way(seed: int, allow_short: bool) -> None:
    # A bar that opens at its low may still have come back there from its high: a trailing stop must ask that.
    random = np.random.default_rng(seed)
    prices = 100.0 * np.exp(np.cumsum(random.normal(0, 0.01, 601)))
    straight = np.array(steps(*prices.tolist())).T
    columns = dict(zip(("open", "high", "low", "close"), straight.tolist(), strict=True))
    finer = Candles.from_columns("R", {"time": list(range(0, 600 * QUARTER_MS, QUARTER_MS)), **columns}, QUARTER_MS)
    bars, (_, signals) = aggregated(finer, 4), market(seed, 150)
    signals = replace(signals, trailing=None)

    result = simulate(bars, signals, ExecutionConfig(intrabar="magnify", allow_short=allow_short), finer)

    assert result.ambiguous_bars == 0
    assert result.unmagnified_bars == 0


@FEW
@given(st.integers(0, 10_000), st.sampled_from([1, -1]), st.sampled_from([0.0, 0.001]))
def test_one_bracket_lies_between_worst_and_best(seed: int, side: int, fee: float) -> None:
    # Without gaps between the finer bars: a gap over the stop fills beyond it, which the bars they make cannot show.
    finer = gapless(coarse_market(seed, 60)[0])
    bars = aggregated(finer, 5)
    signals = one_entry(60, 0.02, 0.02, side=side, base="fill")
    config = ExecutionConfig(intrabar="magnify", taker_fee_rate=fee, allow_short=True, sizing="fixed:1")

    worst, best = (simulate(bars, signals, replace(config, intrabar=way)) for way in ("worst", "best"))

    assert worst.equity[-1] <= simulate(bars, signals, config, finer).equity[-1] <= best.equity[-1]


@FEW
@given(st.integers(0, 10_000))
def test_magnified_bounds_hold_the_magnified_result_and_no_more_ambiguity_than_it(seed: int) -> None:
    finer, bars, signals = coarse_market(seed, 80)
    config = ExecutionConfig(intrabar="magnify", allow_short=True)

    found, own = bounds(bars, signals, config, samples=10, finer=finer), simulate(bars, signals, config, finer)

    final = found.figures["final_equity"]
    assert final is not None
    assert final.low <= own.equity[-1] <= final.high
    assert found.ambiguous_bars == own.ambiguous_bars
    if not own.ambiguous_bars:
        assert found.resolutions == 1


def stepped_inside(
    bars: Candles, signals: Signals, config: ExecutionConfig, finer: Candles, size: int
) -> tuple[list[TradeRecord], list[float]]:
    stepper, trades, equity = BarStepper(config, bars.symbol, bars.interval_ms), [], [config.cash]
    rows = np.column_stack((finer.open, finer.high, finer.low, finer.close))
    assert signals.stop_loss is not None
    assert signals.take_profit is not None
    assert signals.trailing is not None
    for i in range(len(bars)):
        stepper = BarStepper.load(config, stepper.dump(), bars.symbol, bars.interval_ms)
        bar = (bars.open[i], bars.high[i], bars.low[i], bars.close[i])
        inside = [tuple(row) for row in rows[i * size : (i + 1) * size].tolist()]
        trades += [f.trade for f in stepper.on_bar(int(bars.time_ms[i]), *bar, finer=inside) if f.trade]
        equity.append(stepper.equity)
        stepper.decide(
            int(signals.entry[i]),
            bool(signals.exit[i]),
            float(signals.stop_loss[i]),
            float(signals.take_profit[i]),
            float(signals.trailing[i]),
            order=order_at(signals, i),
        )
    trades += [f.trade for f in stepper.finish() if f.trade]
    equity[-1] = stepper.equity
    return trades, equity


@FEW
@given(st.integers(0, 10_000), CONFIGS, st.booleans())
def test_bar_by_bar_magnifies_as_whole_arrays_do(seed: int, config: ExecutionConfig, with_waiting: bool) -> None:
    finer, bars, signals = coarse_market(seed, 60)
    signals = with_orders(bars, signals, seed) if with_waiting else signals
    config = replace(config, intrabar="magnify")

    whole = simulate(bars, signals, config, finer)
    trades, equity = stepped_inside(bars, signals, config, finer, 5)

    assert whole.trades == trades
    assert whole.equity.tolist() == equity


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

    assert [each.field for each in caught.value.errors] == ["candles[1]"]
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


def digest(seed: int) -> NDArray[np.float64]:
    finer, bars, signals = coarse_market(seed, 200)
    result = simulate(bars, signals, ExecutionConfig(intrabar="magnify", allow_short=True), finer)
    return np.concatenate((result.table.ravel(), result.equity, result.low_equity, [result.magnified_bars]))


def test_interpreted_code_magnifies_as_compiled_code_does() -> None:
    program = "from tests.unit.matching.test_magnify import digest; print(digest(3).tobytes().hex())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == digest(3).tobytes().hex()
