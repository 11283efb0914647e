"""The example programs run as they stand: a bot that is watched, and an engine that is loaded."""

import csv
import json
import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from tests.support.ports import free_port
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
PATIENCE_SECONDS = 30.0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine on which nothing of Seatrial runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEATRIAL_", "ALERT_"))}
    unreachable = {f"SEATRIAL_{peer}_URL": "http://127.0.0.1:1" for peer in ("METRICS", "ALERTS", "ENGINE")}
    return {**kept, **unreachable, "SEATRIAL_SPILL_DIR": str(tmp_path / "spill"), "PYTHONWARNINGS": "error"}


def page(url: str) -> str:
    """Return what an address answers, or nothing while it does not."""
    try:
        with urlopen(url, timeout=1) as answer:
            return str(answer.read().decode())
    except (URLError, OSError):
        return ""


def wait_for(url: str, text: str, process: "subprocess.Popen[str]") -> str:
    """Return a page once it says something."""
    wait_until(lambda: text in page(url) or process.poll() is not None, PATIENCE_SECONDS, describe=lambda: page(url))
    assert process.poll() is None, "the program ended"
    return page(url)


@contextmanager
def running(arguments: list[str], environment: dict[str, str], folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run a program while the block lasts."""
    with subprocess.Popen(
        [sys.executable, *arguments], env=environment, cwd=folder, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def prices(file: Path) -> None:
    """Write bars on which the strategy trades."""
    closes = [100 + 8 * math.sin(i / 7) - i / 50 for i in range(401)]
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["time", "open", "high", "low", "close", "volume"])
        for i in range(400):
            high, low = max(closes[i : i + 2]) + 0.5, min(closes[i : i + 2]) - 0.5
            rows.writerow([1_600_000_000 + 86_400 * i, closes[i], high, low, closes[i + 1], 1])


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_the_bot_trades_shows_its_metrics_and_ends(environment: dict[str, str], tmp_path: Path, end: int) -> None:
    prices(tmp_path / "prices.csv")
    port, webhooks = free_port(), free_port()
    own = {"MONITORING_PORT": str(port), "WEBHOOK_PORT": str(webhooks), "WEBHOOK_SECRET": "a long secret of the owner"}

    with running([str(EXAMPLES / "main.py"), "prices.csv"], {**environment, **own}, tmp_path) as process:
        metrics_page = wait_for(f"http://127.0.0.1:{port}/metrics", 'strategy="rsi_bollinger"', process)
        wait_for(f"http://127.0.0.1:{webhooks}/health/live", "live", process)
        process.send_signal(end)
        _, errors = process.communicate(timeout=20)

    assert process.returncode == 0, errors
    assert 'trades_total{side="BUY",status="filled",strategy="rsi_bollinger"}' in metrics_page
    assert "Traceback" not in errors


def test_an_engine_of_ones_own_passes_a_stress_run(environment: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    stressed = {**environment, "SEATRIAL_ENVIRONMENT": "stress"}

    with running([str(EXAMPLES / "own_engine.py"), str(port)], stressed, tmp_path) as process:
        wait_for(f"{url}/v1/orders", "items", process)
        command = ["-m", "seatrial.cli.main", "stress", "run", "--target", url, "--plan", "api_failure"]
        done = subprocess.run(
            [sys.executable, *command, "--duration", "4", "--json", "-"],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)

    report = json.loads(done.stdout)
    books = {check["name"]: check["state"] for check in report["checks"] if check["kind"] == "ledger"}
    others = {check["name"]: check["state"] for check in report["checks"] if check["kind"] != "ledger"}
    assert others["errors"] != "FAIL", "an order was refused that should have been filled"
    assert others["faults_injected"] == "PASS"
    assert len(books) >= 9
    assert set(books.values()) == {"PASS"}, done.stdout
    assert any(tmp_path.glob("spill/*.json")), "what it recorded waits for a metrics service"


def test_the_page_shows_what_the_programs_say(environment: dict[str, str], tmp_path: Path) -> None:
    text = (ROOT / "docs" / "integrate.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    programs = "".join(file.read_text(encoding="utf-8") for file in sorted(EXAMPLES.glob("*.py")))
    others = [part for part in shown if part not in programs]

    assert len(shown) == 3
    assert len(others) == 1
    program = "from seatrial.monitoring import MetricsCollector\n" + others[0]
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=tmp_path, timeout=60, check=True)
    spilled = "".join(file.read_text(encoding="utf-8") for file in tmp_path.glob("spill/*"))
    assert '"opening_balance"' in spilled
    assert '"pnl"' in spilled
