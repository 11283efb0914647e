"""What a result could have been had the ambiguous bars gone otherwise."""

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.matching.tables import FREE, SIGNAL_BAR, Bar, candles, one_entry
from tests.unit.matching.test_agreement import CONFIGS, market

from seatrial_trading.matching import ExecutionConfig, simulate
from seatrial_trading.matching.bounds.bounds import compute_bounds
from seatrial_trading.strategy.signals import Signals


def test_an_unambiguous_run_has_one_result() -> None:
    bounds = compute_bounds(candles([SIGNAL_BAR, (100, 101, 94, 96)]), one_entry(2, 95, 105), FREE)

    assert bounds.resolutions == 1
    assert bounds.is_exact
    assert not bounds.sign_depends
    final = bounds.figures["final_equity"]
    assert final is not None
    assert final.low == final.high == 999_995


def test_one_ambiguous_bar_spans_the_bracket() -> None:
    bounds = compute_bounds(candles([SIGNAL_BAR, (100, 106, 94, 100)]), one_entry(2, 95, 105), FREE)

    final, wins = bounds.figures["final_equity"], bounds.figures["win_rate"]
    assert final is not None
    assert wins is not None
    assert (final.low, final.high) == (999_995, 1_000_005)
    assert (wins.low, wins.high) == (0.0, 1.0)
    assert bounds.is_exact
    assert bounds.sign_depends


def test_every_scenario_of_three_ambiguous_bars_is_run() -> None:
    hit: Bar = (100, 106, 94, 100)
    bars = candles([SIGNAL_BAR, hit, hit, hit])
    signals = Signals(
        np.array([1, 1, 1, 0], dtype=np.int8), np.zeros(4, dtype=np.bool_), np.full(4, 95.0), np.full(4, 105.0),
        stop_base="price",
    )  # fmt: skip

    bounds = compute_bounds(bars, signals, FREE)

    final = bounds.figures["final_equity"]
    assert final is not None
    assert bounds.resolutions == 3 + 8
    assert (final.low, final.q50, final.high) == (999_985, 999_995, 1_000_015)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), CONFIGS)
def test_named_and_random_scenarios_are_within_the_bounds_and_a_seed_repeats(
    seed: int, config: ExecutionConfig
) -> None:
    bars, signals = market(seed, 120)

    bounds = compute_bounds(bars, signals, config, seed=3, samples=10)

    final = bounds.figures["final_equity"]
    assert final is not None
    for way in ("worst", "best", "nearest"):
        whole = simulate(bars, signals, replace(config, intrabar=way)).equity[-1]
        assert final.low * (1 - 1e-12) <= whole <= final.high * (1 + 1e-12)
    assert bounds == compute_bounds(bars, signals, config, seed=3, samples=10)


def test_a_long_series_runs_fewer_scenarios() -> None:
    bars, signals = market(5, 1_000_000)

    whole = compute_bounds(bars, signals, ExecutionConfig(lot_size=1e-9))
    scaled = compute_bounds(bars, signals, ExecutionConfig())

    assert min(whole.ambiguous_bars, scaled.ambiguous_bars) > 8
    assert (whole.resolutions, scaled.resolutions) == (3 + 20, 3 + 200)
    assert not whole.is_exact
    assert not scaled.is_exact


def test_ambiguous_bars_and_trades_are_counted() -> None:
    bounds = compute_bounds(candles([SIGNAL_BAR, (100, 106, 94, 100)]), one_entry(2, 95, 105), FREE)

    assert (bounds.ambiguous_bars, bounds.ambiguous_trades) == (1, 1)


def test_an_existing_result_is_not_simulated_again() -> None:
    bars, signals = candles([SIGNAL_BAR, (100, 106, 94, 100)]), one_entry(2, 95, 105)

    bounds = compute_bounds(bars, signals, FREE, base=simulate(bars, signals, FREE))

    assert bounds == compute_bounds(bars, signals, FREE)
