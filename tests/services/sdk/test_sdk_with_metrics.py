"""The collector and the monitor against the real metrics service on a real Postgres."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.ports import free_port
from tests.support.waiting import wait_until

from seatrial.config.trading_config import TradingConfig
from seatrial.monitoring import MetricsCollector, PerformanceMonitor
from seatrial.monitoring.collecting.recorder import ProcessRecorder
from seatrial.monitoring.collecting.spill import SpillFolder

TOKEN = "a-token-for-the-tests-of-the-sdk"


@dataclass(frozen=True)
class Service:
    """A metrics service in a separate process."""

    url: str
    port: int

    def events(self) -> list[dict[str, Any]]:
        """Return the ledger, oldest first."""
        answer = httpx.get(f"{self.url}/v1/events", headers={"Authorization": f"Bearer {TOKEN}"})
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return items[::-1]

    def page(self) -> str:
        """Return the metrics page."""
        return httpx.get(f"{self.url}/metrics").text


@contextmanager
def serving(database_url: str, port: int) -> Iterator[Service]:
    """Run the metrics service until the end of the block."""
    environment = {
        **os.environ,
        "SEATRIAL_DATABASE_URL": database_url,
        "SEATRIAL_METRICS_PORT": str(port),
        "SEATRIAL_TOKENS": f"{TOKEN}=admin",
    }
    environment.pop("MONITORING_PORT", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "seatrial_metrics"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    service = Service(f"http://127.0.0.1:{port}", port)
    try:
        wait_until(lambda: is_ready(service.url), describe=process.poll)
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=15)


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def recorder(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessRecorder]:
    monkeypatch.setenv("SEATRIAL_SPILL_DIR", str(tmp_path / "spill"))
    monkeypatch.setenv("SEATRIAL_METRICS_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("SEATRIAL_ALERTS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SEATRIAL_TOKEN", TOKEN)
    recorder = ProcessRecorder()
    yield recorder
    recorder.sender.close()


def test_records_made_while_the_service_was_down_are_in_the_ledger_once(
    database_url: str, recorder: ProcessRecorder, port: int, tmp_path: Path
) -> None:
    metrics = MetricsCollector(recorder=recorder)
    metrics.record_trade("rsi_bollinger", "buy", "filled", 1.25, trade_id="t1", pnl=12.5)
    metrics.record_webhook("success")
    assert not metrics.flush()
    assert SpillFolder(tmp_path / "spill").waiting()

    with serving(database_url, port) as service:
        metrics.record_trade("rsi_bollinger", "BUY", "filled", 0.75)
        wait_until(lambda: metrics.flush())
        first = service.events()
    with serving(database_url, port) as service:
        metrics.record_api_latency("place_order", 0.25)
        wait_until(lambda: metrics.flush())

        assert sorted(event["type"] for event in service.events()) == ["api_call", "trade", "trade", "webhook"]
        assert len(first) == 3
        page = service.page()
        assert 'trades_total{side="BUY",status="filled",strategy="rsi_bollinger"} 2.0' in page
        assert "trade_duration_seconds_sum 2.0" in page
        assert 'api_request_duration_seconds_count{endpoint="place_order"} 1.0' in page


def test_a_batch_with_a_lost_response_is_counted_once(
    database_url: str, recorder: ProcessRecorder, port: int, tmp_path: Path
) -> None:
    with serving(database_url, port) as service:
        metrics = MetricsCollector(recorder=recorder)
        recorder.address = "http://127.0.0.1:1"
        metrics.record_webhook("success")
        assert not metrics.flush()
        spill = SpillFolder(tmp_path / "spill")
        copy = spill.read(spill.waiting()[0])
        recorder.send_to(service.url)
        assert metrics.flush()
        assert copy is not None
        spill.put(copy)
        metrics.record_webhook("success")
        assert metrics.flush()

        assert len(service.events()) == 2
        assert 'trading_webhooks_total{environment="live",status="success"} 2.0' in service.page()


def test_the_monitor_pushes_the_bots_figures(database_url: str, recorder: ProcessRecorder, port: int) -> None:
    class Owner:
        def get_balance(self) -> float:
            return 9_000.0

        def get_open_positions(self) -> list[dict[str, float]]:
            return [{"quantity": 10, "price": 100.0, "stop_loss": 91.0}]

    with serving(database_url, port) as service:
        monitor = PerformanceMonitor(Owner(), TradingConfig(), port=port, interval=0.1, recorder=recorder)
        monitor.start_monitoring()
        expected_lines = [
            "current_pnl -1000.0",
            "open_positions 1.0",
            "portfolio_risk_percent 1.0",
        ]

        wait_until(lambda: all(line in service.page() for line in expected_lines), describe=service.page)
        assert "system_cpu_percent " in service.page()
        drawdown = service.page().split("\nmax_drawdown_percent ")[1].split()[0]
        assert float(drawdown) == pytest.approx(10.0)
        monitor.stop_monitoring()
