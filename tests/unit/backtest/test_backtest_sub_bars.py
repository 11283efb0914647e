"""Bars of a shorter interval resolve ambiguous bars, from Python and from the command line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.backtest.backtest_bars import START_MS, random_candles, rows_of

from seatrial.testing import BacktestingEngine
from seatrial_backtesting.execution_settings import ExecutionSettings
from seatrial_backtesting.run import execute
from seatrial_backtesting.strategy_ref import resolve_strategy
from seatrial_core.errors import ValidationFailed
from seatrial_trading.matching import simulate
from seatrial_trading.quant.candles import Candles

MINUTE_MS = 60_000
Row = dict[str, float]


def coarse_of(finer: Candles, width: int) -> Candles:
    """Return bars that are made of `width` finer ones each."""
    parts = {name: getattr(finer, name).reshape(-1, width) for name in ("open", "high", "low", "close", "volume")}
    columns = {
        "time": finer.time_ms[::width].tolist(),
        "open": parts["open"][:, 0].tolist(),
        "high": parts["high"].max(axis=1).tolist(),
        "low": parts["low"].min(axis=1).tolist(),
        "close": parts["close"][:, -1].tolist(),
        "volume": parts["volume"].sum(axis=1).tolist(),
    }
    return Candles.from_columns(finer.symbol, columns, finer.interval_ms * width)


def rows(bars: list[tuple[float, float, float, float]], interval_ms: int) -> list[Row]:
    names = ("open", "high", "low", "close")
    return [
        {"timestamp": START_MS + interval_ms * i, **dict(zip(names, bar, strict=True))} for i, bar in enumerate(bars)
    ]


CALM = (100.0, 101.0, 99.0, 100.0)
BARS = rows([CALM, CALM, (100.0, 106.0, 94.0, 100.0), CALM], 2 * MINUTE_MS)
UP_FIRST = [(100.0, 106.0, 99.0, 100.0), (100.0, 101.0, 94.0, 100.0)]
DOWN_FIRST = UP_FIRST[::-1]


def strategy(history: Any, symbol: str) -> dict[str, Any] | None:
    return {"action": "buy", "stop_loss": 95.0, "take_profit": 105.0} if len(history) == 1 else None


@pytest.mark.parametrize(("inside", "reason"), [(UP_FIRST, "take_profit"), (DOWN_FIRST, "stop_loss")])
def test_finer_bars_decide_which_came_first(inside: list[tuple[float, float, float, float]], reason: str) -> None:
    finer = rows([CALM, CALM, CALM, CALM, *inside, CALM, CALM], MINUTE_MS)
    engine = BacktestingEngine(strategy, fee=0, intrabar="magnify")

    results = engine.run_backtest(BARS, "X", finer=finer)

    assert [trade["exit_reason"] for trade in results["trades"]] == [reason]
    assert results["assumptions"]["intrabar"] == "magnify"
    assert results["assumptions"]["finer_interval_ms"] == MINUTE_MS
    assert results["bounds"]["ambiguous_bars"] == 0
    assert results["bounds"]["magnified_bars"] >= 1
    assert results["data_quality"]["finer"]["bars"] == 8
    assert results["manifest"]["finer"]["bars"] == 8


def test_a_bar_without_finer_ones_goes_by_the_worst_rule_and_says_so() -> None:
    finer = rows([CALM, CALM, CALM, CALM], MINUTE_MS)

    results = BacktestingEngine(strategy, fee=0, intrabar="magnify").run_backtest(BARS, "X", finer=finer)

    assert [trade["exit_reason"] for trade in results["trades"]] == ["stop_loss"]
    assert results["bounds"]["unmagnified_bars"] == 1
    assert "finer_bars_missing" in results["warnings"]


@pytest.mark.parametrize("settings", [{"intrabar": "magnify"}, {"finer": BARS}])
def test_finer_bars_come_with_magnify_and_only_with_it(settings: dict[str, Any]) -> None:
    finer = settings.pop("finer", None)

    with pytest.raises(ValidationFailed, match="finer"):
        BacktestingEngine(strategy, **settings).run_backtest(BARS, "X", finer=finer)


@pytest.mark.parametrize("seed", range(10))
def test_a_callback_that_closes_trades_as_its_signals_do(seed: int) -> None:
    finer = random_candles(1_500, seed, volatility=0.004)
    candles = coarse_of(finer, 5)
    random = np.random.default_rng(seed)
    draws = random.random(len(candles))

    def decide(history: Any, symbol: str) -> dict[str, Any] | None:
        draw = draws[len(history) - 1]
        if draw < 0.1:
            return {"action": "buy", "stop_loss_pct": 0.01, "take_profit_pct": 0.01}
        if draw < 0.2:
            return {"action": "short", "stop_loss_pct": 0.01, "trailing_pct": 0.008}
        return {"action": ("close", "sell")[int(draw < 0.23)]} if draw < 0.26 else None

    settings = ExecutionSettings(intrabar="magnify", allow_short=True)
    outcome = execute(candles, resolve_strategy(decide), settings, sub_bars=finer)
    again = simulate(candles, outcome.signals, settings.execution(), finer)

    assert outcome.simulation.table.tobytes() == again.table.tobytes()
    assert len(again.table) > 10
    assert outcome.simulation.magnified_bars > 0
    # Decisions without effect are reported as such; every close found an open position.
    idle = {bar for bar, refusal in outcome.refused.items() if refusal.reason == "nothing is open"}
    exits = {trade.exit_index - 1 for trade in again.trades if trade.exit_reason == "signal"}
    assert not idle & exits


def test_the_command_line_takes_finer_bars(tmp_path: Path) -> None:
    finer = random_candles(600, 3, volatility=0.01)

    def write(name: str, candles: Candles) -> str:
        lines = [",".join(str(value) for value in row.values()) for row in rows_of(candles)]
        (tmp_path / name).write_text("\n".join(["timestamp,open,high,low,close,volume", *lines]) + "\n")
        return str(tmp_path / name)

    arguments = ["--data", write("TEST.csv", coarse_of(finer, 5)), "--strategy", "rsi_bollinger"]
    command = [sys.executable, "-m", "seatrial.cli.main", "backtest", "run", *arguments, "--set", "rsi_below=45"]
    more = ["--intrabar", "magnify", "--finer", write("minutes.csv", finer)]
    done = subprocess.run([*command, *more, "--json", "-"], capture_output=True, text=True, check=False, timeout=120)
    refused = subprocess.run([*command, *more[:2]], capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["assumptions"]["finer_interval_ms"] == MINUTE_MS
    assert refused.returncode == 2
    assert "magnify needs `finer`" in " ".join(refused.stderr.split())
