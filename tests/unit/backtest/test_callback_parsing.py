"""Whatever an array of signals can order, a callback can: the same trades to the last bit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.backtest.backtest_bars import random_candles, rows_of

from seatrial.testing import BacktestingEngine
from seatrial_backtesting.callback.parsing import KNOWN_KEYS
from seatrial_backtesting.callback.runner import StrategyFailed
from seatrial_backtesting.execution_settings import ExecutionSettings
from seatrial_backtesting.run import execute
from seatrial_backtesting.strategy_ref import resolve_strategy
from seatrial_trading.matching import simulate
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

BARS = 150
Answer = dict[str, Any] | None
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SETTLINGS = st.builds(
    ExecutionSettings,
    fee=st.sampled_from([0.0, 0.001]),
    maker_fee=st.sampled_from([None, -0.0002]),
    slippage_bps=st.sampled_from([0.0, 4.0]),
    size=st.sampled_from(["equity:1.0", "notional:900", "risk:0.01", "vol:0.5"]),
    lot=st.sampled_from([0.0, 0.1]),
    session=st.sampled_from(["continuous", "auction"]),
    intrabar=st.sampled_from(["worst", "best", "nearest"]),
    allow_short=st.just(True),
)


def random_signals(candles: Candles, seed: int, side: int) -> Signals:
    """Return signals that use every column; a callback says one thing a bar, so none leaves and enters at once."""
    random = np.random.default_rng(seed)
    entry = (side * (random.random(BARS) < 0.15)).astype(np.int8)
    kind = random.integers(0, 4, BARS).astype(np.int8)
    base = random.integers(0, 3, BARS).astype(np.int8)
    limit, trigger = (candles.close * random.uniform(0.98, 1.02, BARS) for _ in range(2))
    reference = np.choose(kind, [candles.close, limit, trigger, limit])
    stop_ratio, target_ratio, trail_ratio = (random.uniform(0.005, 0.05, BARS) for _ in range(3))

    def some(column: Any) -> Any:  # Any: an array
        return np.where(random.random(BARS) < 0.8, column, np.nan)

    return Signals(
        entry=entry,
        exit=(random.random(BARS) < 0.06) & (entry == 0),
        stop_loss=some(np.where(base == 0, stop_ratio, reference * (1 - side * stop_ratio))),
        take_profit=some(np.where(base == 0, target_ratio, reference * (1 + side * target_ratio))),
        trailing=some(np.where(base == 1, reference * trail_ratio, trail_ratio)),
        entry_type=kind,
        limit_price=limit,
        stop_price=trigger,
        expires=random.integers(0, 5, BARS),
        base=base,
        size=some(random.uniform(0.1, 1.0, BARS)),
        size_kind=random.choice([0, 2, 3], BARS).astype(np.int8),
    )


def answer_of(signals: Signals, i: int, side: int) -> Answer:
    """Return row i in the words of a callback."""
    if not signals.entry[i]:
        return {"action": "close"} if signals.exit[i] else None

    def at(name: str) -> float | None:
        value = float(getattr(signals, name)[i])
        return None if np.isnan(value) else value

    assert signals.entry_type is not None and signals.base is not None
    assert signals.expires is not None and signals.size_kind is not None
    kind, base = int(signals.entry_type[i]), int(signals.base[i])
    ratio, trail = "_pct" if base == 0 else "", "" if base == 1 else "_pct"
    return {
        "action": "buy" if side > 0 else "short",
        f"stop_loss{ratio}": at("stop_loss"),
        f"take_profit{ratio}": at("take_profit"),
        f"trailing{trail}": at("trailing"),
        "order_type": ("market", "limit", "stop", "stop_limit")[kind],
        "limit_price": at("limit_price") if kind in (1, 3) else None,
        "stop_price": at("stop_price") if kind in (2, 3) else None,
        "expires_bars": (int(signals.expires[i]) or None) if kind else None,
        {0: "quantity", 2: "size_pct", 3: "risk_pct"}[int(signals.size_kind[i])]: at("size"),
    }


@FEW
@given(st.integers(0, 100_000), st.sampled_from([1, -1]), SETTLINGS)
def test_signals_as_callback_answers_make_the_same_trades(seed: int, side: int, settings: ExecutionSettings) -> None:
    candles = random_candles(BARS, seed)
    signals = random_signals(candles, seed, side)

    asked = execute(
        candles, resolve_strategy(lambda history, symbol: answer_of(signals, len(history) - 1, side)), settings
    )
    simulated = simulate(candles, signals, settings.execution())

    refused = {bar: refusal.reason for bar, refusal in asked.refused.items() if refusal.field}
    assert not refused
    assert asked.simulation.table.tobytes() == simulated.table.tobytes()
    assert asked.simulation.equity.tobytes() == simulated.equity.tobytes()
    assert asked.simulation.rejections.tolist() == simulated.rejections.tolist()


FLAT = [{"timestamp": 60_000 * i, "open": 100.0, "high": 101.0, "low": 99.0, "close": 100.0} for i in range(8)]


def play(plan: dict[int, Answer], rows: list[dict[str, float]] | None = None, **settings: Any) -> dict[str, Any]:
    """Run a plan of answers by bar on flat bars, without costs."""
    engine = BacktestingEngine(
        lambda history, symbol: plan.get(len(history) - 1), fee=0, **{"allow_short": True, **settings}
    )
    return engine.run_backtest(rows or FLAT, "X")


@pytest.mark.parametrize(
    ("order", "price"),
    [
        ({"order_type": "limit", "limit_price": 99.5}, 99.5),
        ({"order_type": "stop", "stop_price": 100.5}, 100.5),
        ({"order_type": "stop_limit", "stop_price": 100.5, "limit_price": 100.2}, 100.2),
        ({"order_type": "LIMIT", "limit_price": 99.5, "expires_bars": 1}, 99.5),
    ],
)
def test_an_entry_waits_for_its_price(order: dict[str, Any], price: float) -> None:
    trades = play({2: {"action": "buy", **order}})["trades"]

    assert [trade["entry_price"] for trade in trades] == [price]


def test_an_order_that_waits_expires_or_is_cancelled() -> None:
    order = {"action": "buy", "order_type": "limit", "limit_price": 90.0}
    rows = [*FLAT[:6], FLAT[6] | {"low": 85.0}, FLAT[7]]

    assert len(play({1: order}, rows)["trades"]) == 1
    assert play({1: order | {"expires_bars": 3}}, rows)["rejected_counts"] == {"the order expired unfilled": 1}
    for name in ("cancel", "close", "sell"):
        results = play({1: order, 4: {"action": name}}, rows, allow_short=False)
        assert results["trades"] == []
        assert results["rejected_signals"] == []
    assert play({1: {"action": "cancel"}})["rejected_counts"] == {"there is no pending entry order to cancel": 1}


@pytest.mark.parametrize(
    ("size", "units"), [({"quantity": 3}, 3.0), ({"size_pct": 0.5}, 50.0), ({"risk_pct": 0.01, "stop_loss": 98}, 50.0)]
)
def test_an_answer_says_its_own_size(size: dict[str, Any], units: float) -> None:
    trades = play({1: {"action": "buy", **size}, 3: {"action": "close"}, 4: {"action": "buy"}})["trades"]

    assert [trade["quantity"] for trade in trades] == [units, 100.0]


def test_a_position_is_closed_whole() -> None:
    part = play({1: {"action": "buy", "quantity": 3}, 3: {"action": "sell", "quantity": 1}})
    whole = play({1: {"action": "buy", "quantity": 3}, 3: {"action": "sell", "quantity": 3}})

    assert part["trades"][0]["exit_reason"] == "end_of_data"
    assert "closed whole" in part["rejected_signals"][0]["reason"]
    assert whole["trades"][0]["exit_reason"] == "signal"


@pytest.mark.parametrize(
    ("answer", "field", "expected"),
    [
        ({"sizing": 1}, "key", f"unknown key sizing; allowed: {', '.join(KNOWN_KEYS)}"),
        ({"order_type": "iceberg"}, "order_type", "'iceberg'; allowed: market, limit, stop, stop_limit"),
        ({"order_type": "limit"}, "limit_price", "a limit order needs a price"),
        ({"order_type": "stop", "limit_price": 9, "stop_price": 101}, "limit_price", "9; allowed: nothing, a stop"),
        ({"limit_price": 99}, "limit_price", "allowed: nothing, a market order takes no limit_price"),
        ({"order_type": "limit", "limit_price": -1}, "limit_price", "-1; allowed: a finite number above 0"),
        ({"order_type": "limit", "limit_price": 99, "expires_bars": 1.5}, "expires_bars", "1.5; allowed: a whole"),
        ({"expires_bars": 2}, "expires_bars", "only with order_type limit"),
        ({"quantity": 1, "risk_pct": 0.1}, "risk_pct", "one of quantity, size_pct, risk_pct"),
        ({"quantity": True}, "quantity", "True; allowed: a finite number above 0"),
        ({"size_pct": 1.5}, "size_pct", "1.5; allowed: a finite number above 0 and at most 1"),
        ({"stop_loss": 98, "stop_loss_pct": 0.02}, "stop_loss_pct", "stop_loss or stop_loss_pct"),
        ({"stop_loss": 98, "take_profit_pct": 0.02}, "take_profit_pct", "both as prices or both as ratios"),
        ({"stop_loss_pct": 2}, "stop_loss_pct", "at most 1"),
        ({"stop_loss": 100}, "stop_loss", "100.0 is on the wrong side of the decision close 100.0"),
        (
            {"order_type": "limit", "limit_price": 99, "stop_loss": 99.5},
            "stop_loss",
            "99.5 is on the wrong side of the limit price 99.0",
        ),
        ({"action": "close", "stop_loss": 98}, "stop_loss", "98; allowed: nothing, close takes no stop_loss"),
    ],
)
def test_a_wrong_answer_names_bar_field_value_and_what_is_allowed(
    answer: dict[str, Any], field: str, expected: str
) -> None:
    plan: dict[int, Answer] = {3: {"action": "buy", **answer}}

    results = play(plan)

    assert results["trades"] == []
    rejection = results["rejected_signals"][0]
    assert (rejection["index"], rejection["field"]) == (3, field)
    assert expected in rejection["reason"]
    assert results["rejected_counts"] == {f"{field} was not accepted": 1}
    with pytest.raises(StrategyFailed, match="bar 3"):
        play(plan, strict=True)


def test_refusals_are_counted_by_kind_however_many_values_there_were() -> None:
    rows = rows_of(random_candles(3_000))

    results = BacktestingEngine(
        lambda history, symbol: {"action": "buy", "stop_loss": history[-1]["close"] * 2}
    ).run_backtest(rows, "TEST")

    assert results["rejected_counts"] == {"stop_loss was not accepted": 3_000}
    assert len(results["rejected_signals"]) == 1_000
