"""Incremental intrabar scenarios give the figures of whole simulations."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.matching.invariants import examples
from tests.unit.matching.random_markets import SEEDS, random_market

from seatrial_trading.matching import ExecutionConfig, simulate
from seatrial_trading.matching.bounds.bounds import compute_bounds
from seatrial_trading.matching.bounds.incremental import IncrementalScenarios, supports_incremental
from seatrial_trading.matching.bounds.partial_rerun import Scenario
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.drawdown import max_drawdown
from seatrial_trading.strategy.signals import Signals

SCALED = st.builds(
    ExecutionConfig,
    taker_fee_rate=st.sampled_from([0.0, 0.001]),
    maker_fee_rate=st.sampled_from([None, -0.0002]),
    slippage_bps=st.sampled_from([0.0, 5.0]),
    tick_size=st.sampled_from([0.0, 0.05]),
    session=st.sampled_from(["continuous", "auction"]),
    intrabar=st.sampled_from(["worst", "best", "nearest"]),
    allow_short=st.booleans(),
    sizing=st.sampled_from(["equity:1.0", "equity:0.4"]),
)
SCENARIOS: list[Scenario] = [
    ("worst", 0), ("best", 0), ("nearest", 0), *(("random", seed) for seed in range(12)),
    *(("seed_bits", bits) for bits in (0, 1, 2, 5, 2**20 - 1)),
]  # fmt: skip


def market_orders(seed: int, n: int) -> tuple[Candles, Signals]:
    """Return a random market whose entries are all market orders sized by the run."""
    market = random_market(seed, n, has_sizes=False)
    signals = replace(market.signals, entry_type=None, limit_price=None, stop_price=None, expires=None)
    return market.candles, replace(signals, size_kind=None, size=None)


@settings(max_examples=examples(60, 1_500), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SEEDS, SCALED)
def test_every_incremental_scenario_equals_its_whole_simulation(seed: int, config: ExecutionConfig) -> None:
    bars, signals = market_orders(seed, 160)
    base = simulate(bars, signals, config)
    if not supports_incremental(signals, config, base):
        assert base.equity.min() <= 0.0
        return

    figures = IncrementalScenarios(bars, signals, config, base, budget=10**9).run(SCENARIOS)

    assert len(figures) == len(SCENARIOS)
    for (name, seed_), (final, drawdown, wins, trades, draws) in zip(SCENARIOS, figures.tolist(), strict=True):
        whole = simulate(bars, signals, replace(config, intrabar=name, seed=seed_))
        if np.isnan(final):
            assert whole.equity.min() <= 1e-9 * config.cash
            continue
        assert final == pytest.approx(whole.equity[-1], rel=1e-10)
        assert drawdown == pytest.approx(max_drawdown(whole.equity).value, rel=1e-9, abs=1e-12)
        assert trades == len(whole.trades)
        ratios = [trade.pnl / (trade.quantity * trade.entry_price) for trade in whole.trades]
        if min((abs(ratio) for ratio in ratios), default=1.0) > 1e-12:  # else rounding decides which trades won
            assert wins == sum(ratio > 0 for ratio in ratios)
        if name in ("random", "seed_bits"):
            assert draws == whole.ambiguous_bars


def test_random_markets_have_ambiguous_bars() -> None:
    config = ExecutionConfig()
    counts = [simulate(*market_orders(seed, 160), config).ambiguous_bars for seed in range(20)]

    assert sum(count > 1 for count in counts) > 10


@pytest.mark.parametrize(
    "terms",
    [{"sizing": "fixed:1"}, {"lot_size": 0.1}, {"min_notional": 10.0}, {"fixed_fee": 0.1}, {"close_at_end": False}],
)
def test_a_run_whose_trades_depend_on_money_is_not_incremental(terms: dict[str, float]) -> None:
    bars, signals = market_orders(3, 160)
    config = ExecutionConfig(**terms)  # type: ignore[arg-type]

    assert not supports_incremental(signals, config, simulate(bars, signals, config))


def test_incremental_bounds_equal_bounds_of_whole_simulations() -> None:
    bars, signals = market_orders(4, 400)
    scaled = ExecutionConfig(taker_fee_rate=0.0)
    whole = replace(scaled, min_notional=1e-9)

    few, many = compute_bounds(bars, signals, scaled), compute_bounds(bars, signals, whole)

    assert few.ambiguous_bars > 8
    assert (few.resolutions, few.is_exact) == (many.resolutions, many.is_exact) == (203, False)
    for name, figure in few.figures.items():
        other = many.figures[name]
        assert figure is not None
        assert other is not None
        assert (figure.low, figure.q50, figure.high) == pytest.approx((other.low, other.q50, other.high), rel=1e-9)


def test_simulated_bars_are_limited_by_the_budget() -> None:
    bars, signals = market_orders(4, 400)
    config = ExecutionConfig()
    base = simulate(bars, signals, config)

    incremental = IncrementalScenarios(bars, signals, config, base, budget=1)

    assert len(incremental.run([("nearest", 0)] * 50, least=8)) == 8
    assert incremental.budget < 0
    assert len(incremental.run([("nearest", 0)] * 50)) == 0
