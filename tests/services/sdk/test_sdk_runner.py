"""The unit tests of a trading bot in separate processes: a planted fault fails them, and the runner reports it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.ports import free_port

import seatrial


@pytest.fixture
def quiet(tmp_path: Path) -> dict[str, str]:
    """An environment without services; files go to a temporary folder."""
    unreachable = {"SEATRIAL_METRICS_URL": "http://127.0.0.1:1", "SEATRIAL_ALERTS_URL": "http://127.0.0.1:1"}
    return {**os.environ, **unreachable, "MONITORING_PORT": str(free_port()), "SEATRIAL_SPILL_DIR": str(tmp_path)}


PLANTED = [
    "from seatrial_trading.quant import kelly; kelly.kelly = lambda w, r: kelly.known(w)",
    "from seatrial_trading.quant import indicators as i; real = i.rsi; i.rsi = lambda c, n=14: real(c, n) + 1",
    "from seatrial_core import signing; signing.verify = lambda *a, **k: None",
]


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_fails_the_unit_tests(fault: str) -> None:
    script = f"""
{fault}
from seatrial.testing import run_all_tests
result = run_all_tests()
print(result.testsRun, result.wasSuccessful(), len(result.skipped))
"""
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True).stdout

    run, passed, skipped = out.split()
    assert (int(run) > 7, passed, skipped) == (True, "False", "0")


@pytest.mark.parametrize("way", ["script", "module"])
def test_the_runner_works_as_module_and_as_script(quiet: dict[str, str], way: str) -> None:
    script = Path(seatrial.__file__).parent / "testing" / "test_runner.py"
    command = [str(script)] if way == "script" else ["-m", "seatrial.testing.test_runner"]

    done = subprocess.run(
        [sys.executable, *command, "--duration", "1"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=quiet,
    )

    output = " ".join(done.stdout.split())
    assert "unit tests" in output
    for name in ("high_frequency", "memory_under_load", "concurrent_trades", "api_failure"):
        assert f"stress {name}" in output
    # A second of load proves too little for any promise, and the runner says so instead of passing.
    assert done.returncode == 1, output
    assert "INCONCLUSIVE" in output or "INVALID" in output
