"""Callbacks trade like arrays; invalid answers are reported; exceptions have the requested effect."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.unit.backtest.backtest_bars import random_candles, rows_of

from seatrial.testing import BacktestingEngine
from seatrial_backtesting.callback.runner import StrategyFailed
from seatrial_backtesting.execution_settings import ExecutionSettings
from seatrial_backtesting.run import execute
from seatrial_backtesting.strategy_ref import resolve_strategy
from seatrial_trading.matching import simulate
from seatrial_trading.strategy import registry
from seatrial_trading.strategy.signals import Signals

Answer = dict[str, Any] | None


@pytest.mark.parametrize("seed", range(25))
def test_a_callback_and_equal_arrays_make_the_same_trades(seed: int) -> None:
    candles = random_candles(400, seed)
    random = np.random.default_rng(seed)
    entry = (random.random(400) < 0.08).astype(np.int8)
    leave = (random.random(400) < 0.05) & (entry == 0)
    stop = candles.close * (1.0 - random.uniform(0.005, 0.05, 400))
    target = candles.close * (1.0 + random.uniform(0.005, 0.05, 400))
    trailing, base = np.full(400, 0.03), np.full(400, 2, dtype=np.int8)

    def strategy(history: Any, symbol: str) -> Answer:
        bar = len(history) - 1
        if entry[bar]:
            return {
                "symbol": symbol,
                "action": "buy",
                "stop_loss": float(stop[bar]),
                "take_profit": float(target[bar]),
                "trailing_pct": 0.03,
            }
        return {"action": "sell"} if leave[bar] else None

    settings = ExecutionSettings(fee=0.0007, slippage_bps=3)
    asked = execute(candles, resolve_strategy(strategy), settings).simulation
    simulated = simulate(candles, Signals(entry, leave, stop, target, trailing, base=base), settings.execution())

    assert asked.trades == simulated.trades
    assert len(asked.trades) > 3
    assert asked.equity.tolist() == simulated.equity.tolist()


@pytest.mark.parametrize("name", registry.names())
@pytest.mark.parametrize("mode", ["long_flat", "long_short"])
def test_built_in_strategies_trade_the_same_as_callbacks(name: str, mode: str) -> None:
    candles = random_candles(600, 7)
    spec = registry.get(name)
    params = {"mode": mode} if "mode" in spec.params.model_fields else {}
    choice = resolve_strategy(name, params)
    assert choice.spec is not None and choice.model is not None
    signals = choice.spec.signals(candles, choice.model)
    # Arrays give stops as ratios of the fill price, which this callback does not; the rest must agree.
    if signals.stop_base == "fill":
        signals = replace(signals, stop_loss=None, take_profit=None)
    settings = ExecutionSettings(allow_short=True)

    def strategy(history: Any, symbol: str) -> Answer:
        bar = len(history) - 1
        if signals.entry[bar] and not signals.exit[bar]:
            return {"action": "buy" if signals.entry[bar] > 0 else "short"}
        return {"action": "close"} if signals.exit[bar] else None

    # A callback closes or opens on one bar, so a reversal is a close here; both get the same plain signals.
    plain = replace(signals, entry=np.where(signals.exit, 0, signals.entry).astype(np.int8))
    asked = execute(candles, resolve_strategy(strategy), settings).simulation
    simulated = simulate(candles, plain, settings.execution())

    assert asked.trades == simulated.trades


def test_sell_closes_a_long_and_opens_short_only_where_allowed() -> None:
    candles = random_candles(60)
    plan = {5: "buy", 10: "sell", 15: "sell", 20: "buy", 25: "cover", 30: "short", 35: "buy"}

    def strategy(history: Any, symbol: str) -> Answer:
        action = plan.get(len(history) - 1)
        return None if action is None else {"action": action.upper()}

    spot = execute(candles, resolve_strategy(strategy), ExecutionSettings())
    margin = execute(candles, resolve_strategy(strategy), ExecutionSettings(allow_short=True))

    assert [(t.side, t.entry_index, t.exit_index) for t in spot.simulation.trades] == [
        ("long", 6, 11),
        ("long", 21, 59),
    ]
    assert spot.rejections()[1]["nothing is open"] == 2
    assert [(t.side, t.entry_index, t.exit_index) for t in margin.simulation.trades] == [
        ("long", 6, 11),
        ("short", 16, 21),
        ("short", 31, 36),
    ]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"action": "buy", "stop": 1.0}, "unknown key stop"),
        ({"action": "buy", "symbol": "OTHER"}, "this run trades 'TEST'"),
        ({"action": "jump"}, "allowed: buy, sell"),
        ({"symbol": "TEST"}, "action was None"),
        ({"action": "buy", "stop_loss": float("nan")}, "a finite number above 0"),
        ({"action": "buy", "take_profit": float("inf")}, "a finite number above 0"),
        ({"action": "buy", "stop_loss": "low"}, "a finite number above 0"),
        ({"action": "buy", "stop_loss": 1e9}, "wrong side"),
        ({"action": "buy", "take_profit": 1e-9}, "wrong side"),
        ({"action": "short", "stop_loss": 1e-9}, "wrong side"),
        ({"action": "buy", "order_type": "limit"}, "a limit order needs a price"),
        ("buy", "None or a dict"),
    ],
)
def test_an_invalid_answer_is_reported(answer: Any, reason: str) -> None:
    def strategy(history: Any, symbol: str) -> Any:
        return answer if len(history) == 10 else None

    results = BacktestingEngine(strategy).run_backtest(rows_of(random_candles(30)), "TEST")

    assert results["total_trades"] == 0
    assert len(results["rejected_signals"]) == 1
    assert results["rejected_signals"][0]["index"] == 9
    assert reason in results["rejected_signals"][0]["reason"]


def test_buying_while_long_is_ignored_and_counted() -> None:
    results = BacktestingEngine(lambda history, symbol: {"action": "buy"}).run_backtest(
        rows_of(random_candles(30)), "TEST"
    )

    assert results["total_trades"] == 1
    assert results["rejected_counts"] == {"a position is open already": 29}


def _raises_at(bar: int) -> Any:
    def strategy(history: Any, symbol: str) -> Answer:
        if len(history) - 1 == bar:
            raise RuntimeError("broken")
        return {"action": "buy"} if len(history) == 20 else None

    return strategy


def test_an_exception_ends_the_run_and_names_the_bar() -> None:
    with pytest.raises(StrategyFailed, match="bar 5") as caught:
        BacktestingEngine(_raises_at(5)).run_backtest(rows_of(random_candles(30)), "TEST")

    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize(("on_error", "trades"), [("skip", 1), ("stop", 0)])
def test_an_exception_can_be_skipped_or_end_the_asking(on_error: Any, trades: int) -> None:
    engine = BacktestingEngine(_raises_at(5), on_error=on_error)

    results: Mapping[str, Any] = engine.run_backtest(rows_of(random_candles(30)), "TEST")

    assert results["total_trades"] == trades
    assert results["strategy_errors_total"] == 1
    assert results["strategy_errors"][0]["index"] == 5
    assert "broken" in results["strategy_errors"][0]["traceback"]


def test_decisions_are_the_same_whatever_comes_later() -> None:
    candles = random_candles(300, 3)

    def strategy(history: Any, symbol: str) -> Answer:
        if len(history) > 20 and history.rsi(14) < 35 and history[-1]["close"] < history.sma(20):
            return {"action": "buy", "stop_loss": history[-1]["close"] * 0.98}
        return None

    whole = execute(candles, resolve_strategy(strategy), ExecutionSettings()).signals
    for bars in (50, 120, 299):
        part = execute(candles.head(bars), resolve_strategy(strategy), ExecutionSettings()).signals
        assert part.entry.tolist() == whole.entry[:bars].tolist()
