"""The guide's simplest bot against the real metrics and alerts services: `record_trade` with `pnl` raises alerts."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.support.ports import free_port
from tests.support.waiting import wait_until

BOT = """
from seatrial.monitoring import MetricsCollector
metrics = MetricsCollector()
for _ in range(30):
    metrics.record_trade("rsi", "SELL", "filled", 0.1, pnl=-100)
"""
TOKEN = "a-token-for-the-tests-of-the-simplest-bot"


@contextmanager
def serving(service: str, environment: dict[str, str], url: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", f"seatrial_{service}"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: is_ready(url), 120, process.poll)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=15)


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("has_balance", [True, False])
def test_a_bot_that_only_records_losing_trades(database_url: str, tmp_path: Path, has_balance: bool) -> None:
    urls = {name: f"http://127.0.0.1:{free_port()}" for name in ("metrics", "alerts")}
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("MONITORING_PORT", "INITIAL_BALANCE")},
        "SEATRIAL_DATABASE_URL": database_url,
        "SEATRIAL_TOKENS": f"{TOKEN}=admin",
        "SEATRIAL_TOKEN": TOKEN,
        "SEATRIAL_SPILL_DIR": str(tmp_path / "spill"),
        "METRICS_UPDATE_INTERVAL": "0.5",
        **{f"SEATRIAL_{name.upper()}_URL": url for name, url in urls.items()},
        **{f"SEATRIAL_{name.upper()}_PORT": url.rpartition(":")[2] for name, url in urls.items()},
        **({"INITIAL_BALANCE": "10000"} if has_balance else {}),
    }
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with (
        serving("metrics", environment, urls["metrics"]),
        serving("alerts", environment, urls["alerts"]),
    ):
        bot = subprocess.run([sys.executable, "-c", BOT], env=environment, capture_output=True, text=True, check=True)

        def firing() -> set[str]:
            answer = httpx.get(f"{urls['alerts']}/v1/alerts", headers=headers).raise_for_status()
            return {alert["rule"] for alert in answer.json()["items"]}

        def figures() -> dict[str, float | None]:
            answer = httpx.get(f"{urls['metrics']}/v1/performance", headers=headers).raise_for_status()
            account: dict[str, float | None] = answer.json()["accounts"][0]["metrics"]
            return account

        if has_balance:
            wait_until(lambda: {"max_drawdown", "daily_loss_limit"} <= firing(), describe=firing)
            assert figures()["drawdown_ratio"] == pytest.approx(0.3)
        else:
            wait_until(lambda: "win_rate_min" in firing(), describe=firing)
            assert figures()["drawdown_ratio"] is None
            assert "pass MetricsCollector(initial_balance=...), set INITIAL_BALANCE" in bot.stderr
