"""`seatrial backtest`: readable tables, JSON, clear sentences and exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.backtest.backtest_bars import random_candles

from seatrial_backtesting.data.loader import load
from seatrial_backtesting.run import run
from seatrial_backtesting.strategy_ref import resolve_strategy

RULES = """
version: 1
name: dip
indicators: {r: {fn: rsi, n: 14}}
entry: {lt: [r, {param: low, default: 45, range: [10, 60, 5]}]}
stop_loss: {ratio: 0.02}
take_profit: {ratio: 0.03}
"""


def _seatrial(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "seatrial.cli.main", "backtest", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
        check=False,
    )


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    candles = random_candles(600)
    columns = candles.to_columns()
    path = tmp_path / "TEST.csv"
    rows = [",".join(repr(columns[name][i]) for name in columns) for i in range(len(candles))]
    path.write_text("\n".join([",".join(columns), *rows]))
    return path


def test_a_run_prints_assumptions_first_and_writes_json(prices: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "result.json", tmp_path / "report.html"

    done = _seatrial(
        "run",
        "--data",
        str(prices),
        "--strategy",
        "rsi_bollinger",
        "--set",
        "rsi_below=45",
        "--json",
        str(out),
        "--report",
        str(report),
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.index("Assumptions") < done.stdout.index("final_equity")
    assert "0.1000% per side" in done.stdout
    result = json.loads(out.read_text())
    expected = run(load(prices).candles, resolve_strategy("rsi_bollinger", {"rsi_below": 45}))
    assert result["symbol"] == "TEST"
    assert result["trades"] == expected["trades"]
    assert result["manifest"]["sha256"] == expected["manifest"]["sha256"]
    assert report.read_text().startswith("<!doctype html>")


def test_json_to_the_output_is_json_alone(prices: Path) -> None:
    done = _seatrial(
        "run",
        "--data",
        str(prices),
        "--strategy",
        "sma_cross",
        "--fee",
        "0",
        "--cash",
        "5000",
        "--size",
        "notional:1000",
        "--lot",
        "0.5",
        "--slippage-bps",
        "2",
        "--allow-short",
        "--session",
        "auction",
        "--intrabar",
        "best",
        "--set",
        "mode=long_short",
        "--json",
        "-",
    )

    assert done.returncode == 0, done.stderr
    assumed = json.loads(done.stdout)["assumptions"]
    assert (assumed["cash"], assumed["fee"], assumed["size"], assumed["lot"]) == (5000.0, 0.0, "notional:1000.0", 0.5)
    assert (assumed["session"], assumed["intrabar"], assumed["allow_short"]) == ("auction", "best", True)
    assert (assumed["slippage_bps"], assumed["tick"]) == (2.0, 0.0)


def test_a_rule_document_runs_with_its_parameters(prices: Path, tmp_path: Path) -> None:
    (tmp_path / "dip.yaml").write_text(RULES)

    done = _seatrial(
        "run", "--data", "TEST.csv", "--strategy", "dip.yaml", "--set", "low=40", "--json", "-", folder=tmp_path
    )

    assert done.returncode == 0, done.stderr
    strategy = json.loads(done.stdout)["strategy"]
    assert strategy["name"] == "dip"
    assert strategy["params"] == {"low": 40}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--strategy", "nonsense"], "`strategy` was 'nonsense'; known strategies: buy_and_hold"),
        (["--strategy", "missing.yaml"], "`strategy` was 'missing.yaml'; allowed: a registered name or a file"),
        (["--strategy", "macd", "--fee", "2"], "`fee` was 2.0; allowed: a number from -0.01 to 0.1"),
        (["--strategy", "macd", "--fee", "much"], "--fee"),
        (["--strategy", "macd", "--cash", "-1"], "`cash` was -1.0; allowed: a number above 0"),
        (["--strategy", "macd", "--size", "all"], "`size` was 'all'; allowed: fixed:UNITS"),
        (["--strategy", "macd", "--set", "fast"], "`set` was 'fast'; allowed: KEY=VALUE"),
        (["--strategy", "macd", "--set", "fast=0"], "`params.fast` was 0; allowed: integer >= 1"),
        (["--strategy", "macd", "--set", "quick=1"], "`params.quick` was 1; allowed: one of fast, slow"),
        (["--strategy", "macd", "--intrabar", "magnify"], "`intrabar` was 'magnify'; allowed: worst, best or nearest"),
        (["--strategy", "macd", "--session", "night"], "`session` was 'night'; allowed: continuous or auction"),
        (["--strategy", "macd", "--split", "soon"], "`split` was 'soon'; allowed: DATE=RATIO"),
        (["--strategy", "macd", "--on-bad-bar", "mend"], "`on_bad_bar` was 'mend'; allowed: reject or drop"),
        (["--strategy", "macd", "--timezone", "Mars"], "`timezone` was 'Mars'; allowed: a zone"),
        (["--strategy", "macd", "--timezone", "America"], "`timezone` was 'America'; allowed: a zone"),
        (["--strategy", "macd", "--timezone", "posixrules"], "`timezone` was 'posixrules'; allowed: a zone"),
    ],
    ids=lambda value: "_".join(value[1:]).replace("-", "") if isinstance(value, list) else None,
)
def test_a_bad_value_names_field_value_and_what_is_allowed(prices: Path, arguments: list[str], message: str) -> None:
    done = _seatrial("run", "--data", str(prices), *arguments)

    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_missing_empty_or_bad_file_is_reported(tmp_path: Path, prices: Path) -> None:
    empty, dirty = tmp_path / "empty.csv", tmp_path / "dirty.csv"
    empty.write_text("")
    lines = prices.read_text().splitlines()
    lines[5] = lines[5].replace(lines[5].split(",")[1], "-1")
    dirty.write_text("\n".join(lines))

    answers = [
        _seatrial("run", "--data", str(tmp_path / name), "--strategy", "macd")
        for name in ("missing.csv", "empty.csv", "dirty.csv")
    ]

    assert [answer.returncode for answer in answers] == [2, 2, 2]
    assert "an existing file" in answers[0].stderr
    assert "columns time, open, high, low, close" in answers[1].stderr
    assert "row 6: open is not above zero" in answers[2].stderr


def test_strategies_are_listed_with_their_parameters() -> None:
    table, listed = _seatrial("strategies"), _seatrial("strategies", "--json", "-")

    names = [item["name"] for item in json.loads(listed.stdout)["items"]]
    assert {"rsi_bollinger", "sma_cross"} <= set(names)
    assert "rsi_bollinger" in table.stdout
    assert table.returncode == listed.returncode == 0


def test_nothing_is_cut_off_at_80_columns(prices: Path) -> None:
    done = _seatrial("run", "--data", str(prices), "--strategy", "macd", "--cash", "1000000")

    assert "Last 5 trades" in done.stdout
    assert "\u2026" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
