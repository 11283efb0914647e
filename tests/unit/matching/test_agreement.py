"""Both drivers make the same trades to the last bit, and the account always adds up."""

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from seatrial_shared.matching import (
    BarStepper,
    EntryOrder,
    ExecutionConfig,
    OrderKind,
    Simulation,
    TradeRecord,
    simulate,
)
from seatrial_shared.quant.candles import Candles
from seatrial_shared.strategy.signals import Signals

MINUTE_MS = 60_000


def market(seed: int, n: int) -> tuple[Candles, Signals]:
    """Return random bars with gaps, and random decisions of every kind."""
    random = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(random.normal(0, 0.01, n)))
    opened = np.concatenate([[100.0], close[:-1]]) * np.exp(random.normal(0, 0.005, n) * (random.random(n) < 0.3))
    high = np.maximum(opened, close) * (1 + np.abs(random.normal(0, 0.006, n)))
    low = np.minimum(opened, close) * (1 - np.abs(random.normal(0, 0.006, n)))
    columns = {"open": opened, "high": high, "low": low, "close": close}
    candles = Candles.from_columns("R", {"time": np.arange(n) * MINUTE_MS, **columns}, MINUTE_MS)  # type: ignore[dict-item]
    draw = random.random(n)
    entry = np.where(draw < 0.15, 1, np.where(draw < 0.25, -1, 0)).astype(np.int8)

    def some(lowest: float, highest: float, share: float) -> NDArray[np.float64]:
        return np.where(random.random(n) < share, random.uniform(lowest, highest, n), np.nan)

    signals = Signals(
        entry=entry,
        exit=random.random(n) < 0.08,
        stop_loss=some(0.005, 0.03, 0.8),
        take_profit=some(0.005, 0.04, 0.8),
        trailing=some(0.005, 0.03, 0.3),
        stop_base="fill",
    )
    return candles, signals


def with_orders(candles: Candles, signals: Signals, seed: int) -> Signals:
    """Return the signals with entries of every kind, near the close of their decision."""
    random = np.random.default_rng(seed)
    n = len(candles)
    return replace(
        signals,
        entry_type=random.integers(0, 4, n).astype(np.int8),
        limit_price=candles.close * random.uniform(0.98, 1.02, n),
        stop_price=candles.close * random.uniform(0.98, 1.02, n),
        expires=random.integers(0, 6, n),
    )


def order_at(signals: Signals, i: int) -> EntryOrder:
    if signals.entry_type is None or signals.limit_price is None or signals.stop_price is None:
        return EntryOrder()
    assert signals.expires is not None
    kind = OrderKind(int(signals.entry_type[i]))
    return EntryOrder(kind, float(signals.limit_price[i]), float(signals.stop_price[i]), int(signals.expires[i]))


CONFIGS = st.builds(
    ExecutionConfig,
    taker_fee_rate=st.sampled_from([0.0, 0.001]),
    maker_fee_rate=st.sampled_from([None, -0.0002]),
    fixed_fee=st.sampled_from([0.0, 0.5]),
    slippage_bps=st.sampled_from([0.0, 5.0]),
    lot_size=st.sampled_from([0.0, 0.1]),
    session=st.sampled_from(["continuous", "auction"]),
    intrabar=st.sampled_from(["worst", "best", "nearest", "random"]),
    allow_short=st.booleans(),
    sizing=st.sampled_from(["equity:1.0", "fixed:2", "notional:900", "risk:0.01", "kelly:0.5", "vol:0.5"]),
    seed=st.integers(0, 5),
)
SEEDS = st.integers(0, 10_000)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def stepped(
    candles: Candles, signals: Signals, config: ExecutionConfig, restart_every: int = 0
) -> tuple[list[TradeRecord], list[float]]:
    stepper = BarStepper(config, candles.symbol, MINUTE_MS)
    trades, equity = [], [config.cash]

    def at(column: Any, i: int) -> float:
        return float(column[i]) if column is not None else float("nan")

    for i in range(len(candles)):
        if restart_every and i % restart_every == 0:
            stepper = BarStepper.load(config, stepper.dump(), candles.symbol, MINUTE_MS)
        bar = (candles.open[i], candles.high[i], candles.low[i], candles.close[i])
        trades += [fill.trade for fill in stepper.on_bar(int(candles.time_ms[i]), *bar) if fill.trade]
        equity.append(stepper.equity)
        stepper.decide(
            int(signals.entry[i]),
            bool(signals.exit[i]),
            at(signals.stop_loss, i),
            at(signals.take_profit, i),
            at(signals.trailing, i),
            order=order_at(signals, i),
        )
    trades += [fill.trade for fill in stepper.finish() if fill.trade]
    equity[-1] = stepper.equity
    return trades, equity


@FEW
@given(SEEDS, CONFIGS, st.sampled_from([0, 7]), st.booleans())
def test_bar_by_bar_equals_whole_arrays_also_across_restarts(
    seed: int, config: ExecutionConfig, restart: int, with_waiting: bool
) -> None:
    candles, signals = market(seed, 120)
    signals = with_orders(candles, signals, seed) if with_waiting else signals

    whole = simulate(candles, signals, config)
    trades, equity = stepped(candles, signals, config, restart)

    assert whole.trades == trades
    assert whole.equity.tolist() == equity


def assert_adds_up(result: Simulation, config: ExecutionConfig) -> None:
    scale = max(config.cash, float(np.abs(result.equity).max()))
    assert len(result.equity) == len(result.candles) + 1
    assert result.equity[0] == config.cash
    assert result.final_cash == pytest.approx(config.cash + sum(t.pnl for t in result.trades), abs=1e-9 * scale)
    for trade in result.trades:
        assert trade.fees == trade.entry_fee + trade.exit_fee
        assert trade.entry_index >= 1
        assert trade.exit_index >= trade.entry_index
        assert trade.quantity > 0


@FEW
@given(SEEDS, CONFIGS, st.booleans())
def test_the_ledger_closes(seed: int, config: ExecutionConfig, with_waiting: bool) -> None:
    candles, signals = market(seed, 120)
    signals = with_orders(candles, signals, seed) if with_waiting else signals

    result = simulate(candles, signals, config)

    assert_adds_up(result, config)


@FEW
@given(SEEDS, CONFIGS, st.booleans())
def test_every_fill_lies_within_its_bar_but_for_declared_slippage(
    seed: int, config: ExecutionConfig, with_waiting: bool
) -> None:
    candles, signals = market(seed, 120)
    signals = with_orders(candles, signals, seed) if with_waiting else signals
    slip = config.slippage_bps * 1e-4 + 1e-12
    # A resting limit that a continuous market gaps over fills at its price, which no price of the bar is worse than.
    may_gap = config.session == "continuous"

    for trade in simulate(candles, signals, config).trades:
        buys = 1 if trade.side == "long" else -1
        gapped_exit = may_gap and trade.gap and trade.exit_reason == "take_profit"
        fills = (
            (trade.entry_index, trade.entry_price, buys, may_gap and with_waiting),
            (trade.exit_index, trade.exit_price, -buys, gapped_exit),
        )
        for index, price, side, may_be_worse in fills:
            low, high = candles.low[index] * (1 - slip), candles.high[index] * (1 + slip)
            is_worse = price > high if side > 0 else price < low
            assert low <= price <= high or (may_be_worse and is_worse)


@FEW
@given(SEEDS, st.integers(-3, 3), CONFIGS.filter(lambda c: c.fixed_fee == 0 and c.lot_size == 0))
def test_scaling_prices_leaves_returns_alone(seed: int, power: int, config: ExecutionConfig) -> None:
    candles, signals = market(seed, 80)
    factor = 2.0**power  # a power of two is exact in binary
    scaled = {
        name: (np.asarray(column) * factor if name in ("open", "high", "low", "close") else column)
        for name, column in candles.to_columns().items()
    }
    if config.sizing.startswith("fixed"):
        return

    one = simulate(candles, signals, config).trades
    other = simulate(Candles.from_columns("R", scaled, MINUTE_MS), signals, config).trades  # type: ignore[arg-type]

    assert [trade.return_ratio for trade in one] == pytest.approx([trade.return_ratio for trade in other], rel=1e-9)


@FEW
@given(SEEDS, CONFIGS.filter(lambda c: not c.sizing.startswith(("equity", "risk", "kelly"))))
def test_costs_never_help(seed: int, config: ExecutionConfig) -> None:
    candles, signals = market(seed, 80)
    free = replace(config, taker_fee_rate=0.0, maker_fee_rate=None, fixed_fee=0.0, slippage_bps=0.0, intrabar="nearest")
    dear = replace(free, taker_fee_rate=0.001, fixed_fee=0.1)

    cheap_run, dear_run = simulate(candles, signals, free), simulate(candles, signals, dear)

    if len(cheap_run.trades) == len(dear_run.trades) and all(
        one.quantity == other.quantity for one, other in zip(cheap_run.trades, dear_run.trades, strict=True)
    ):
        assert dear_run.final_cash <= cheap_run.final_cash


def test_interpreted_and_compiled_code_make_the_same_trades() -> None:
    program = (
        "from tests.unit.matching.test_agreement import market, with_orders; from seatrial_shared.matching import *;"
        "c, s = market(3, 400); s = with_orders(c, s, 3);"
        "r = simulate(c, s, ExecutionConfig(allow_short=True, intrabar='random', seed=4));"
        "print(r.table.tobytes().hex(), r.equity.tobytes().hex())"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "NUMBA_DISABLE_JIT": flag},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for flag in ("0", "1")
    ]

    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 1_000
