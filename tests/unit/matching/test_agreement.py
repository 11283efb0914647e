"""Both drivers make the same trades to the last bit, compiled or not."""

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from seatrial_trading.matching import BarStepper, EntryOrder, ExecutionConfig, OrderKind, TradeRecord, simulate
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

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


def test_interpreted_and_compiled_code_make_the_same_trades() -> None:
    program = (
        "from tests.unit.matching.test_agreement import market, with_orders; from seatrial_trading.matching import *;"
        "c, s = market(3, 400); print(compute_bounds(c, s, ExecutionConfig(), samples=20)); s = with_orders(c, s, 3);"
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
