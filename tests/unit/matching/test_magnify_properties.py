"""Magnified results keep the laws of the others, and every driver gives the same ones."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.unit.matching.tables import one_entry
from tests.unit.matching.test_agreement import CONFIGS, market, order_at, with_orders
from tests.unit.matching.test_excursions import assert_losses_agree
from tests.unit.matching.test_magnify import QUARTER_MS, steps

from seatrial_trading.matching import BarStepper, ExecutionConfig, TradeRecord, simulate
from seatrial_trading.matching.bounds.bounds import compute_bounds
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


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
def test_finer_bars_with_one_direction_are_never_ambiguous(seed: int, allow_short: bool) -> None:
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

    base = simulate(bars, signals, config, finer)
    bounds = compute_bounds(bars, signals, config, samples=10, finer=finer)

    final = bounds.figures["final_equity"]
    assert final is not None
    assert final.low <= base.equity[-1] <= final.high
    assert bounds.ambiguous_bars == base.ambiguous_bars
    if not base.ambiguous_bars:
        assert bounds.resolutions == 1


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
    assert_losses_agree(whole, config)


def digest(seed: int) -> NDArray[np.float64]:
    finer, bars, signals = coarse_market(seed, 200)
    result = simulate(bars, signals, ExecutionConfig(intrabar="magnify", allow_short=True), finer)
    return np.concatenate((result.table.ravel(), result.equity, result.low_equity, [result.magnified_bars]))


def test_interpreted_code_magnifies_as_compiled_code_does() -> None:
    program = "from tests.unit.matching.test_magnify_properties import digest; print(digest(3).tobytes().hex())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == digest(3).tobytes().hex()
