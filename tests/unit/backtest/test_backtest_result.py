"""The result document: same request, same hash, in any process; undefined figures have reasons; the guide's keys."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from procrastinate.schema import SchemaManager
from tests.unit.backtest.backtest_bars import random_candles, rows_of

from seatrial.testing import BacktestingEngine, calculate_rsi
from seatrial_backtesting.execution_settings import ExecutionSettings
from seatrial_backtesting.report.page import render_page
from seatrial_backtesting.run import run
from seatrial_backtesting.strategy_ref import resolve_strategy
from seatrial_core.errors import ValidationFailed

GUIDE_FLOATS = {
    "win_rate",
    "total_return",
    "max_drawdown",
    "total_pnl",
    "average_win",
    "average_loss",
    "profit_factor",
}
GUIDE_COUNTS = {"total_trades", "winning_trades", "losing_trades"}
# The schema of the job library that migration 2026_11_23_0400 was written for.
QUEUE_SCHEMA_SHA256 = "c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009"

SCRIPT = """
from tests.unit.backtest.backtest_bars import random_candles
from seatrial_backtesting.strategy_ref import resolve_strategy
from seatrial_backtesting.run import run
rules = {"version": 1, "indicators": {"r": {"fn": "rsi", "n": 14}}, "entry": {"lt": ["r", 45]},
         "stop_loss": {"ratio": 0.02}, "take_profit": {"ratio": 0.03}}
for name, params in (("rsi_bollinger", {"rsi_below": 45}), (rules, None), ("sma_cross", None)):
    print(run(random_candles(600), resolve_strategy(name, params))["manifest"]["sha256"])
"""


def test_the_same_request_has_the_same_hash_in_every_process() -> None:
    seen = set()
    for seed in ("0", "1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True, timeout=120
        )
        seen.add(done.stdout)

    assert len(seen) == 1
    assert len(set(seen.pop().split())) == 3


def test_two_runs_in_one_process_agree_and_any_input_changes_the_hash() -> None:
    candles = random_candles(600)

    def sha(bars: int = 600, params: dict[str, Any] | None = None, **settings: Any) -> str:
        document = run(candles.head(bars), resolve_strategy("sma_cross", params), ExecutionSettings(**settings))
        return str(document["manifest"]["sha256"])

    assert sha() == sha()
    assert len({sha(), sha(599), sha(params={"fast": 9}), sha(fee=0.0), sha(cash=1e6), sha(seed=1)}) == 6


def test_a_document_is_json_and_closes_to_the_cent() -> None:
    document = run(random_candles(600), resolve_strategy("rsi_bollinger", {"rsi_below": 45}))

    text = json.dumps(document, allow_nan=False)
    metrics, trades = document["metrics"], document["trades"]
    assert json.loads(text) == document
    assert document["schema"] == 1
    assert len(document["equity"]["time"]) == len(document["equity"]["value"]) == 601
    assert document["equity"]["value"][0] == 10_000.0
    assert metrics["final_equity"] == pytest.approx(10_000.0 + sum(trade["pnl"] for trade in trades), rel=1e-9)
    assert all(metrics[name] is None for name in document["undefined"])
    low, high = document["bounds"]["final_equity"]["low"], document["bounds"]["final_equity"]["high"]
    assert low <= metrics["final_equity"] <= high
    assert {"entry_time", "entry_price", "exit_time", "exit_price", "quantity", "pnl", "fees", "exit_reason"} <= set(
        trades[0]
    )


def test_ambiguous_bars_give_bounds() -> None:
    rows = [
        {"timestamp": 1_600_000_000_000 + i * 60_000, "open": 100.0, "high": 101.0, "low": 99.0, "close": 100.0}
        for i in range(6)
    ]
    rows[3] |= {"high": 106.0, "low": 94.0}

    def strategy(history: Any, symbol: str) -> dict[str, Any] | None:
        return {"action": "buy", "stop_loss": 95.0, "take_profit": 105.0} if len(history) == 2 else None

    results = BacktestingEngine(strategy, fee=0, size="fixed:1").run_backtest(rows, "X")

    assert [trade["exit_reason"] for trade in results["trades"]] == ["stop_loss"]
    assert results["bounds"]["ambiguous_trades"] == 1
    bounds = results["bounds"]
    assert (bounds["final_equity"]["low"], bounds["final_equity"]["high"]) == (9_995.0, 10_005.0)
    assert (bounds["win_rate"]["low"], bounds["win_rate"]["high"]) == (0.0, 1.0)
    assert 9_995.0 <= bounds["final_equity"]["q05"] <= bounds["final_equity"]["q50"] <= bounds["final_equity"]["q95"]
    assert bounds["exact"] is True
    assert bounds["ambiguous_pnl_share"] == 1.0
    assert "result_depends_on_intrabar_order" in results["warnings"]


def test_the_guides_example_runs_unchanged(capsys: pytest.CaptureFixture[str]) -> None:
    historical_data = rows_of(random_candles(1_500, 5))

    def my_strategy(historical_data: Any, symbol: str) -> dict[str, Any] | None:
        if len(historical_data) < 20:
            return None
        current_rsi = calculate_rsi(historical_data)
        if current_rsi < 30:
            return {
                "symbol": symbol,
                "action": "buy",
                "stop_loss": historical_data[-1]["close"] * 0.98,
                "take_profit": historical_data[-1]["close"] * 1.04,
            }
        return None

    backtester = BacktestingEngine(my_strategy, initial_balance=10000)
    results = backtester.run_backtest(historical_data, "BTCUSDT")
    print(f"Win Rate: {results['win_rate']:.2%}")
    print(f"Total Return: {results['total_return']:.2%}")
    print(f"Max Drawdown: {results['max_drawdown']:.2%}")

    assert next(iter(results)) == "assumptions"
    assert results["assumptions"]["fee"] == 0.001
    assert {name for name in results if isinstance(results[name], float)} == GUIDE_FLOATS
    assert all(isinstance(results[name], int) for name in GUIDE_COUNTS)
    assert results["total_trades"] > 5
    assert len(results["equity_curve"]) == 1_501
    assert all(isinstance(value, float) for value in results["equity_curve"])
    assert "Win Rate: " in capsys.readouterr().out


def test_without_trades_the_guides_numbers_are_zero_and_say_why() -> None:
    results = BacktestingEngine(lambda history, symbol: None).run_backtest(rows_of(random_candles(40)), "X")

    assert {name: results[name] for name in GUIDE_FLOATS} == dict.fromkeys(GUIDE_FLOATS, 0.0)
    assert results["undefined"]["win_rate"] == "no closed trades"
    assert results["metrics"]["win_rate"] is None
    assert f"{results['win_rate']:.2%}" == "0.00%"


def test_names_and_rule_documents_stand_for_strategies() -> None:
    rows = rows_of(random_candles(600))
    rules = {
        "version": 1,
        "indicators": {"r": {"fn": "rsi", "n": 14}},
        "entry": {"lt": ["r", 45]},
        "exit": {"gt": ["r", 55]},
        "sizing": "equity:0.5",
    }

    named = BacktestingEngine("sma_cross", params={"fast": 5, "slow": 20}).run_backtest(rows, "X")
    ruled = BacktestingEngine(rules).run_backtest(rows, "X")
    sized = BacktestingEngine(rules, size="equity:1.0").run_backtest(rows, "X")

    assert named["total_trades"] > 5
    assert ruled["assumptions"]["size"] == "equity:0.5"
    assert sized["assumptions"]["size"] == "equity:1.0"
    assert ruled["total_trades"] == sized["total_trades"] > 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strategy": "nonsense"}, "known strategies: .*sma_cross"),
        ({"strategy": 3}, "a callable, a registered name or a rule document"),
        ({"fee": 0.5}, "`fee` was 0.5; allowed: a number from -0.01 to 0.1"),
        ({"fee": float("nan")}, "`fee` was nan"),
        ({"initial_balance": 0}, "`cash` was 0; allowed: a number above 0"),
        ({"size": "all"}, "`size` was 'all'; allowed: fixed:UNITS"),
        ({"intrabar": "lucky"}, "worst, best, nearest or magnify"),
        ({"session": "night"}, "continuous or auction"),
        ({"on_error": "ignore"}, "raise, skip, stop"),
        ({"params": {"fast": 3}}, "a callable takes no parameters"),
    ],
)
def test_bad_arguments_are_named_with_what_is_allowed(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationFailed, match=message):
        BacktestingEngine(**{"strategy": lambda history, symbol: None, **arguments})


def test_costs_come_off_both_sides() -> None:
    rows = rows_of(random_candles(40))

    def strategy(history: Any, symbol: str) -> dict[str, Any] | None:
        return {"action": "buy"} if len(history) == 5 else {"action": "close"} if len(history) == 20 else None

    free = BacktestingEngine(strategy, fee=0, size="fixed:1").run_backtest(rows, "X")["trades"][0]
    paid = BacktestingEngine(strategy, size="fixed:1").run_backtest(rows, "X")["trades"][0]

    assert paid["fees"] == pytest.approx(0.001 * (free["entry_price"] + free["exit_price"]))
    assert paid["pnl"] == pytest.approx(free["pnl"] - paid["fees"])


def test_numbered_bars_name_their_trades_by_number() -> None:
    rows = [{key: row[key] for key in ("open", "high", "low", "close")} for row in rows_of(random_candles(30))]

    results = BacktestingEngine("buy_and_hold").run_backtest(rows, "X")

    assert results["trades"][0]["entry_time"] == 1
    assert results["data_quality"]["without_timestamps"] == 30


def test_the_report_opens_without_a_network_and_escapes_texts() -> None:
    candles = random_candles(200, symbol="<script>alert(1)</script>")

    html = render_page(run(candles, resolve_strategy("sma_cross")), candles)

    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert 'src="http' not in html
    assert "default-src 'none'" in html
    assert html.index("Assumptions") < html.index("Result")


def test_the_job_librarys_schema_is_the_one_of_the_migration() -> None:
    schema_sha256 = hashlib.sha256(SchemaManager.get_schema().encode()).hexdigest()

    assert schema_sha256 == QUEUE_SCHEMA_SHA256, (
        "the installed procrastinate has another schema: add a migration that brings databases made with the version "
        "noted on backtest.procrastinate_jobs up to it, then note the new hash here"
    )


def test_holding_is_compared_at_the_same_costs_on_the_same_bars() -> None:
    candles = random_candles(400, 2)

    document = run(candles, resolve_strategy("sma_cross"), ExecutionSettings(fee=0.002))

    buy_and_hold = run(candles, resolve_strategy("buy_and_hold"), ExecutionSettings(fee=0.002))
    benchmark = document["benchmark"]
    assert benchmark["name"] == "buy_and_hold"
    assert benchmark["metrics"]["final_equity"] == buy_and_hold["metrics"]["final_equity"]
    assert benchmark["excess_return"] == document["metrics"]["total_return"] - buy_and_hold["metrics"]["total_return"]
    assert buy_and_hold["benchmark"]["excess_return"] == 0.0


def test_figures_are_given_without_the_exit_that_the_end_forced() -> None:
    rows = [
        {"timestamp": 60_000 * i, "open": 100.0 + i, "high": 101.0 + i, "low": 99.5 + i, "close": 100.0 + i}
        for i in range(10)
    ]
    plan = {1: "buy", 3: "close", 6: "buy"}
    answers = {bar: {"action": action} for bar, action in plan.items()}

    results = BacktestingEngine(lambda history, symbol: answers.get(len(history) - 1), fee=0.01).run_backtest(rows, "X")
    closed = BacktestingEngine("sma_cross").run_backtest(rows_of(random_candles(40)), "X")

    without = results["without_forced_exits"]
    assert results["metrics"]["total_trades"] == 2
    assert (without["open_positions"], without["metrics"]["total_trades"]) == (1, 1)
    assert without["metrics"]["final_equity"] > results["metrics"]["final_equity"]  # the exit fee is not paid
    assert without["metrics"]["mean_notional_ratio"] > 0.3
    assert closed["trades"] == []
    assert closed["without_forced_exits"] is None


def test_trades_have_excursions_and_metrics_have_notional_ratios() -> None:
    flat = (100.0, 100.0, 100.0, 100.0)
    bars = [flat, flat, (100.0, 110.0, 95.0, 105.0), (105.0, 106.0, 104.0, 104.0), flat, flat]
    rows = [
        {"timestamp": 60_000 * i, **dict(zip(("open", "high", "low", "close"), bar, strict=True))}
        for i, bar in enumerate(bars)
    ]
    plan = {1: {"action": "buy", "quantity": 50}, 3: {"action": "close"}}

    results = BacktestingEngine(lambda history, symbol: plan.get(len(history) - 1), fee=0).run_backtest(rows, "X")

    trade, metrics = results["trades"][0], results["metrics"]
    assert (trade["mae_ratio"], trade["mfe_ratio"]) == pytest.approx((0.05, 0.10))
    assert metrics["intrabar_max_drawdown"] == pytest.approx(0.025)  # 250 of 10,000
    assert metrics["max_drawdown"] == pytest.approx(1 - 10_000 / 10_250)
    # Held at the close of two of six bars: 5,250 of 10,250 and 5,200 of 10,200.
    assert metrics["mean_notional_ratio"] == pytest.approx((5_250 / 10_250 + 5_200 / 10_200) / 6)
    assert metrics["average_win_ratio"] is None
    assert results["undefined"]["average_win_ratio"] == "no winning trade"
