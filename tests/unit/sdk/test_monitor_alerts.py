"""The monitor evaluates the five thresholds and notifies a real receiver."""

import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.fake_ledger import fake_ledger
from tests.support.http_stub import RecordedRequest, StubResponse, http_stub, json_response
from tests.support.ports import free_port, silent_listener
from tests.support.waiting import wait_until

from seatrial.config.trading_config import TradingConfig
from seatrial.monitoring import MetricsCollector, PerformanceMonitor
from seatrial.monitoring.collecting.recorder import ProcessRecorder
from seatrial_core import catalog
from seatrial_core.clock import SystemClock
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, verify

SECRET = "shared secret"


@dataclass
class Receiver:
    """A webhook receiver that verifies signatures."""

    url: str = ""
    notifications: list[dict[str, Any]] = field(default_factory=list)
    verified: list[str | None] = field(default_factory=list)
    status: int = 200

    def rules_and_states(self) -> list[tuple[str, str]]:
        """Return rule and state of each notification."""
        return [(notification["rule"], notification["state"]) for notification in self.notifications]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    def answer(request: RecordedRequest) -> StubResponse:
        now = int(SystemClock().now().timestamp())
        stamp, signature = request.headers.get(TIMESTAMP_HEADER), request.headers.get(SIGNATURE_HEADER)
        state.verified.append(verify(SECRET, request.body, stamp, signature, now=now))
        if state.status == 200:
            state.notifications.append(request.json())
        return StubResponse(state.status)

    with http_stub(answer) as stub:
        state.url = f"{stub.url}/on-call"
        yield state


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessRecorder]:
    monkeypatch.setenv("SEATRIAL_SPILL_DIR", str(tmp_path / "spill"))
    monkeypatch.setenv("SEATRIAL_METRICS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SEATRIAL_ALERTS_URL", "http://127.0.0.1:1")
    recorder = ProcessRecorder()
    yield recorder
    recorder.sender.close()


@pytest.fixture
def port() -> int:
    return free_port()


class Account:
    """An account whose balance a test moves."""

    def __init__(self, balance: float = 10_000.0) -> None:
        self.balance = balance
        self.readings = 0

    def get_balance(self) -> float:
        self.readings += 1
        return self.balance


def monitor_of(account: object, receiver: Receiver, port: int, recorder: ProcessRecorder) -> PerformanceMonitor:
    config = TradingConfig(alert_webhook_url=receiver.url, alert_webhook_secret=SECRET)
    return PerformanceMonitor(account, config, port=port, interval=0.05, recorder=recorder)


def test_a_drawdown_is_notified_once_and_its_recovery_once_both_signed(
    recorder: ProcessRecorder, receiver: Receiver, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    account = Account()
    monitor = monitor_of(account, receiver, port, recorder)
    with caplog.at_level(logging.WARNING, "seatrial"):
        monitor.start_monitoring()
        wait_until(lambda: recorder.counters.value(catalog.CURRENT_PNL) == 0)
        account.balance = 8_900.0
        wait_until(lambda: len(receiver.notifications) == 2)
        account.balance = 10_100.0
        wait_until(lambda: len(receiver.notifications) == 4)
        monitor.stop_monitoring()

    assert receiver.rules_and_states() == [
        ("max_drawdown", "firing"),
        ("daily_loss_limit", "firing"),
        ("max_drawdown", "resolved"),
        ("daily_loss_limit", "resolved"),
    ]
    assert receiver.notifications[0]["value"] == pytest.approx(0.11)
    assert receiver.notifications[0]["threshold"] == 0.10
    assert receiver.verified == [None] * 4
    assert caplog.text.count("alert history and safe delivery need the alerts service") == 1


def test_a_failed_notification_is_retried(recorder: ProcessRecorder, receiver: Receiver, port: int) -> None:
    receiver.status = 503
    monitor = monitor_of(Account(8_900.0), receiver, port, recorder)
    monitor.start_monitoring()
    wait_until(lambda: len(receiver.verified) >= 2)

    receiver.status = 200

    wait_until(lambda: receiver.rules_and_states() == [("max_drawdown", "firing")])
    monitor.stop_monitoring()


def test_slow_calls_are_notified_by_endpoint(recorder: ProcessRecorder, receiver: Receiver, port: int) -> None:
    metrics = MetricsCollector(recorder=recorder)
    metrics.record_api_latency("place_order", 7.5)
    metrics.record_api_latency("ticker", 0.1)
    monitor = monitor_of(None, receiver, port, recorder)
    monitor.start_monitoring()

    wait_until(lambda: receiver.rules_and_states() == [("api_latency_max", "firing")])
    monitor.stop_monitoring()
    assert receiver.notifications[0]["scope"] == "endpoint:place_order"


def test_errors_and_losing_trades_are_notified_from_the_minimum_of_samples(
    recorder: ProcessRecorder, receiver: Receiver, port: int
) -> None:
    account = Account()
    metrics = MetricsCollector(recorder=recorder)
    monitor = monitor_of(account, receiver, port, recorder)
    monitor.start_monitoring()
    for number in range(18):
        metrics.record_trade("s", "SELL", "filled", 0.1, pnl=-1 if number else 1)
    metrics.record_error("signal_processing")
    evaluated = account.readings + 3
    wait_until(lambda: account.readings > evaluated)
    assert receiver.notifications == []

    for _ in range(2):
        metrics.record_trade("s", "SELL", "filled", 0.1, pnl=-1)
    metrics.record_error("signal_processing")

    wait_until(lambda: set(receiver.rules_and_states()) == {("win_rate_min", "firing"), ("error_rate_max", "firing")})
    monitor.stop_monitoring()


def test_the_monitor_leaves_evaluation_to_a_running_alerts_service(
    recorder: ProcessRecorder, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: RecordedRequest) -> StubResponse:
        return json_response({"status": "live"}, 200 if request.path == "/health/live" else 404)

    with http_stub(answer) as alerts, fake_ledger() as service:
        monkeypatch.setenv("SEATRIAL_ALERTS_URL", alerts.url)
        monitor = monitor_of(Account(5_000.0), receiver, service.port, recorder)
        monitor.start_monitoring()
        wait_until(lambda: sum(event["type"] == "equity" for event in service.events) > 2)
        monitor.stop_monitoring()

    assert receiver.notifications == []


def test_overridden_thresholds_are_used(recorder: ProcessRecorder, receiver: Receiver, port: int) -> None:
    config = TradingConfig(alert_webhook_url=receiver.url, alert_thresholds={"max_drawdown": 0.01})
    monitor = PerformanceMonitor(
        Account(9_800.0),
        config,
        port=port,
        interval=0.05,
        alert_thresholds={"daily_loss_limit": 0.5},
        recorder=recorder,
    )
    monitor.start_monitoring()

    wait_until(lambda: receiver.rules_and_states() == [("max_drawdown", "firing")])
    monitor.stop_monitoring()
    assert receiver.verified == ["X-Seatrial-Timestamp and X-Seatrial-Signature are both needed"]


def test_an_unreachable_receiver_does_not_delay_stopping(recorder: ProcessRecorder, port: int) -> None:
    with silent_listener() as (silent_port, silent):
        receiver = Receiver(url=f"http://127.0.0.1:{silent_port}/")
        monitor = monitor_of(Account(5_000.0), receiver, port, recorder)
        monitor.start_monitoring()
        silent.settimeout(5)
        connection, _ = silent.accept()

        monitor.stop_monitoring()

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
        connection.close()
