"""`seatrial stress` on the command line: output, JSON and exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.services.stress.tiny_engine import TinyEngine, serving

from seatrial_core.contracts.stress import Slo, StressPlan

TINY = StressPlan(
    name="tiny",
    rate_per_second=60,
    duration_seconds=2,
    warm_up_seconds=0,
    slos=(Slo(quantile=0.95, seconds=6.0),),
    max_error_ratio=0.2,
)


def stress(*arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SEATRIAL_")}
    command = [sys.executable, "-m", "seatrial.cli.main", "stress", *arguments]
    return subprocess.run(command, env=inherited, capture_output=True, text=True, timeout=90, check=False)


@pytest.fixture
def plan(tmp_path: Path) -> str:
    file = tmp_path / "tiny.json"
    file.write_text(TINY.model_dump_json(), encoding="utf-8")
    return str(file)


def test_good_engine_exits_with_0_and_prints_the_verdict_first(plan: str) -> None:
    with serving(TinyEngine()) as address:
        done = stress("run", "--target", address, "--plan", plan)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[1].startswith("PASS tiny:")
    assert "no_lost_ack" in done.stdout


def test_two_workers_share_the_load(plan: str) -> None:
    with serving(TinyEngine()) as address:
        done = stress("run", "--target", address, "--plan", plan, "--workers", "2", "--json", "-")

    report = json.loads(done.stdout)
    workers = next(check for check in report["checks"] if check["name"] == "workers")
    assert workers["state"] == "PASS", done.stdout
    assert workers["values"] == {"workers": 2, "lost": 0, "where": "processes of the stress service"}


def test_lost_orders_exit_with_2_and_are_listed_in_the_json(plan: str) -> None:
    with serving(TinyEngine(loses=20)) as address:
        done = stress("run", "--target", address, "--plan", plan, "--json", "-")

    report = json.loads(done.stdout)
    assert done.returncode == report["exit_code"] == 2
    assert report["schema"] == 1
    assert report["verdict"] == "CONSISTENCY_VIOLATION"
    lost = next(check for check in report["checks"] if check["name"] == "no_lost_ack")
    assert lost["state"] == "VIOLATION"
    assert lost["values"]["violations"] >= 4


def test_unreachable_engine_exits_with_1(plan: str) -> None:
    done = stress("run", "--target", "http://127.0.0.1:1", "--plan", plan)

    assert done.returncode == 1
    assert done.stdout.splitlines()[1].startswith("FAIL tiny:")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--plan", "high_freqency"),
        ("run", "--plan", "missing.json"),
        ("run", "--target", "http://example.com"),
        ("run", "--target", "not an address"),
        ("run", "--duration", "-1"),
        ("run", "--nonsense"),
        ("nonsense",),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_5_and_a_message(arguments: tuple[str, ...]) -> None:
    done = stress(*arguments)

    assert done.returncode == 5, done.stdout + done.stderr
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
