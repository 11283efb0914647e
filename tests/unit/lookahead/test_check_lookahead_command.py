"""`seatrial backtest check-lookahead`: the verdict as exit code, a table for people, JSON for programs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.lookahead.lookahead_bars import hours

from seatrial.cli.main import main

STRATEGIES = '''
"""Strategies of a user."""
import csv
from pathlib import Path

BARS = list(csv.DictReader(Path(__file__).with_name("BTC.csv").read_text().splitlines()))
OPENS = [float(row["open"]) for row in BARS]


def next_open(history, symbol):
    """Peek: the next bar's open, from the file that the strategy read itself."""
    now = len(history)
    if now < len(OPENS) and OPENS[now] > 1.002 * history[-1]["close"]:
        return {"action": "buy"}
    return {"action": "close"}


def oversold(history, symbol):
    if history.rsi(14) < 40:
        return {"action": "buy", "stop_loss": 0.98 * history[-1]["close"]}


def silent(history, symbol):
    return None


limit = 3
'''


def _check(folder: Path, strategy: str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seatrial.cli.main", "backtest", "check-lookahead"]
    arguments = ["--data", "BTC.csv", "--strategy", strategy, *more]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, cwd=folder, timeout=120, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    columns = hours(300).to_columns()
    rows = [",".join(repr(cells[row]) for cells in columns.values()) for row in range(300)]
    (tmp_path / "BTC.csv").write_text("\n".join([",".join(columns), *rows]))
    (tmp_path / "mine.py").write_text(STRATEGIES)
    (tmp_path / "dip.yaml").write_text("version: 1\nname: dip\nentry: {lt: [close, {shift: [close, 3]}]}\n")
    return tmp_path


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield folder
    sys.modules.pop("mine", None)


def test_a_clean_strategy_ends_with_0_and_says_how_much_was_probed(folder: Path) -> None:
    done = _check(folder, "rsi_bollinger", "--set", "rsi_below=45")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("CLEAN  rsi_bollinger on BTC")
    assert "300 bars" in done.stdout
    assert "cut after every bar" in done.stdout


def test_a_rule_document_is_checked(folder: Path) -> None:
    assert _check(folder, "dip.yaml").returncode == 0


def test_a_leak_ends_with_1_and_json_names_the_bar(folder: Path) -> None:
    done = _check(folder, "mine:next_open", "--json", "-")

    report = json.loads(done.stdout)
    assert done.returncode == report["exit_code"] == 1
    assert report["verdict"] == "leak"
    finding = report["findings"][0]
    assert finding["check"] == "outside_data"
    assert finding["whole"] != finding["changed"]
    assert "OPENS" in finding["advice"]


def test_code_in_a_file_is_checked_too(folder: Path) -> None:
    done = _check(folder, "mine.py:oversold", "--cuts", "20", "--seed", "4")

    assert done.returncode == 0, done.stderr
    assert "seed 4" in done.stdout


def test_a_strategy_that_decides_nothing_ends_with_4(folder: Path) -> None:
    done = _check(folder, "mine:silent")

    assert done.returncode == 4
    assert "NOT JUDGED" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nosuch"], "known strategies"),
        (["mine:nosuch"], "no callable `nosuch`"),
        (["mine:limit"], "no callable `limit`"),
        (["nosuch:f"], "module:function"),
        (["sma_cross", "--cuts", "few"], "whole number"),
        (["sma_cross", "--set", "fast=0"], "fast"),
    ],
    ids=["name", "function", "number", "module", "cuts", "parameter"],
)
def test_wrong_usage_ends_with_2_and_says_what_is_allowed(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["backtest", "check-lookahead", "--data", "BTC.csv", "--strategy", *arguments])

    output = capsys.readouterr()
    assert ended.value.code == 2
    assert message in output.err
    assert not output.out
