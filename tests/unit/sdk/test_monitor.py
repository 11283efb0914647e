"""The monitor: its page, its ports and the user's figures."""

import logging
import socket
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.support.fake_ledger import fake_ledger
from tests.support.ports import free_port, silent_listener
from tests.support.waiting import wait_until

from seatrial.config.trading_config import TradingConfig
from seatrial.monitoring import MetricsCollector, PerformanceMonitor
from seatrial.monitoring.collecting.recorder import ProcessRecorder
from seatrial_core import catalog


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessRecorder]:
    for name in ("MONITORING_PORT", "SEATRIAL_METRICS_PORT", "METRICS_UPDATE_INTERVAL", "ALERT_WEBHOOK_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEATRIAL_SPILL_DIR", str(tmp_path / "spill"))
    monkeypatch.setenv("SEATRIAL_METRICS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SEATRIAL_ALERTS_URL", "http://127.0.0.1:1")
    recorder = ProcessRecorder()
    yield recorder
    recorder.sender.close()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def started() -> Iterator[list[PerformanceMonitor]]:
    monitors: list[PerformanceMonitor] = []
    yield monitors
    for monitor in monitors:
        monitor.stop_monitoring()


def samples(port: int) -> dict[str, float]:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    rows = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in rows}


@dataclass
class UserDatabase:
    """A user's database: rows as dicts, naive times."""

    balance: float = 9_500.0

    def get_trades(self, since: datetime) -> list[dict[str, Any]]:
        naive = datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None)
        rows = [{"closed": naive, "pnl": pnl} for pnl in (100.0, -600.0, 0.0, None)]
        return [row for row in rows if naive >= since]

    def get_open_positions(self) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(quantity=10, entry_price=100.0, stop_loss=95.0),
            SimpleNamespace(quantity=-1, mark_price=50.0, stop_loss=55.0),
        ]

    def get_balance(self) -> float:
        return self.balance


def test_the_page_shows_the_guides_twelve_metrics_of_the_users_account(
    recorder: ProcessRecorder, port: int, started: list[PerformanceMonitor]
) -> None:
    monitor = PerformanceMonitor(UserDatabase(), TradingConfig(), port=port, recorder=recorder)
    started.append(monitor)
    MetricsCollector(recorder=recorder).record_trade("s", "BUY", "filled", 0.5)

    monitor.start_monitoring()

    wait_until(lambda: "system_disk_percent" in samples(port))
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    for family in catalog.GUIDE_METRICS:
        assert f"# TYPE {family.name} {family.kind}" in text
    page = samples(port)
    assert page["current_pnl"] == -500.0
    assert page["daily_pnl"] == 0.0
    assert page["open_positions"] == 2
    assert page["win_rate_percent"] == pytest.approx(100 / 3)
    assert page["max_drawdown_percent"] == pytest.approx(5.0)
    assert page["portfolio_risk_percent"] == pytest.approx(100 * (10 * 5 + 1 * 5) / 9_500)
    assert page['trades_total{side="BUY",status="filled",strategy="s"}'] == 1


def test_drawdown_keeps_its_deepest_value_while_the_balance_recovers(
    recorder: ProcessRecorder, port: int, started: list[PerformanceMonitor]
) -> None:
    database = UserDatabase(balance=8_000.0)
    monitor = PerformanceMonitor(database, TradingConfig(), port=port, interval=0.05, recorder=recorder)
    started.append(monitor)
    monitor.start_monitoring()
    wait_until(lambda: samples(port).get("current_pnl") == -2_000)

    database.balance = 10_500.0

    wait_until(lambda: samples(port).get("current_pnl") == 500)
    assert samples(port)["max_drawdown_percent"] == pytest.approx(20.0)
    assert samples(port)["daily_pnl"] == 2_500


def test_missing_methods_are_logged_once_and_their_figures_absent(
    recorder: ProcessRecorder, port: int, started: list[PerformanceMonitor], caplog: pytest.LogCaptureFixture
) -> None:
    monitor = PerformanceMonitor("postgresql://somewhere/db", None, port=port, interval=0.05, recorder=recorder)
    started.append(monitor)

    with caplog.at_level(logging.WARNING, "seatrial"):
        monitor.start_monitoring()
        wait_until(lambda: "system_cpu_percent" in samples(port))

    messages = [record.getMessage() for record in caplog.records if "lacks methods" in record.getMessage()]
    assert len(messages) == 1
    assert "get_balance(): current_pnl, daily_pnl, max_drawdown_percent" in messages[0]
    assert not {"current_pnl", "win_rate_percent", "open_positions"} & samples(port).keys()


def test_recorded_profits_replace_a_database(
    recorder: ProcessRecorder, port: int, started: list[PerformanceMonitor]
) -> None:
    metrics = MetricsCollector(recorder=recorder)
    for pnl in (300.0, -1_300.0):
        metrics.record_trade("s", "SELL", "filled", 0.1, pnl=pnl)
    monitor = PerformanceMonitor(None, TradingConfig(), port=port, recorder=recorder)
    started.append(monitor)

    monitor.start_monitoring()

    wait_until(lambda: "current_pnl" in samples(port))
    page = samples(port)
    assert (page["current_pnl"], page["daily_pnl"], page["win_rate_percent"]) == (-1_000, -1_000, 50)


def test_a_method_that_raises_loses_only_its_own_figures(
    recorder: ProcessRecorder, port: int, started: list[PerformanceMonitor], caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(UserDatabase):
        def get_balance(self) -> float:
            raise RuntimeError("database is locked")

    monitor = PerformanceMonitor(Broken(), None, port=port, interval=0.05, recorder=recorder)
    started.append(monitor)
    monitor.start_monitoring()

    wait_until(lambda: samples(port).get("open_positions") == 2)
    assert "database is locked" in caplog.text
    assert caplog.text.count("database is locked") == 1


def test_a_second_start_changes_nothing_and_stopping_frees_the_port(recorder: ProcessRecorder, port: int) -> None:
    monitor = PerformanceMonitor(None, None, port=port, recorder=recorder)
    before = threading.active_count()

    for _ in range(3):
        monitor.start_monitoring()
        monitor.start_monitoring()
        reader = httpx.Client()  # keeps its connection open, as Prometheus does
        assert reader.get(f"http://127.0.0.1:{port}/metrics").status_code == 200
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert b"trades_total" in answer.read()
        began = perf_counter()
        monitor.stop_monitoring()
        monitor.stop_monitoring()
        assert perf_counter() - began < 15  # not until the reader closes its connection
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
        reader.close()

    wait_until(lambda: threading.active_count() <= before + 1)  # the shared sender may have begun


def test_another_program_on_the_port_is_an_error_with_advice(recorder: ProcessRecorder) -> None:
    with silent_listener() as (taken, _):
        monitor = PerformanceMonitor(None, None, port=taken, recorder=recorder)

        with pytest.raises(OSError, match=rf"port {taken} is in use .* port= or MONITORING_PORT"):
            monitor.start_monitoring()

    assert not monitor.is_running


def test_two_monitors_cannot_share_a_port(
    recorder: ProcessRecorder, port: int, started: list[PerformanceMonitor]
) -> None:
    first = PerformanceMonitor(None, None, port=port, recorder=recorder)
    started.append(first)
    first.start_monitoring()

    with pytest.raises(OSError, match="MONITORING_PORT"):
        PerformanceMonitor(None, None, port=port, recorder=recorder).start_monitoring()


def test_where_the_metrics_service_answers_figures_are_pushed_to_it(
    recorder: ProcessRecorder, started: list[PerformanceMonitor]
) -> None:
    with fake_ledger() as service:
        monitor = PerformanceMonitor(UserDatabase(), TradingConfig(), port=service.port, recorder=recorder)
        started.append(monitor)
        monitor.start_monitoring()

        wait_until(lambda: {"system", "account", "equity", "heartbeat"} <= {e["type"] for e in service.events})
        monitor.stop_monitoring()

    equity = next(event for event in service.events if event["type"] == "equity")
    assert (equity["equity"], equity["open_positions"], equity["risk_at_stop"]) == ("9500.0", 2, "55.0")
    assert equity["environment"] == "paper"
    opening = next(event for event in service.events if event["type"] == "account")
    assert opening["opening_balance"] == "10000.0"


def test_the_port_comes_from_argument_config_and_environment_in_this_order(
    monkeypatch: pytest.MonkeyPatch, recorder: ProcessRecorder
) -> None:
    from seatrial.monitoring.watching import options

    config = TradingConfig(monitoring_port=9102)
    environment = {"MONITORING_PORT": "9103"}

    assert options.read(config, port=9101, environment=environment).port == 9101
    assert options.read(config, environment=environment).port == 9102
    assert options.read(TradingConfig(), environment=environment).port == 9103
    assert options.read(TradingConfig(), environment={}).port == 9999


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"MONITORING_PORT": "99999"}, "MONITORING_PORT must be a port"),
        ({"MONITORING_PORT": "9100", "SEATRIAL_METRICS_PORT": "9101"}, "name one setting but differ"),
        ({"METRICS_UPDATE_INTERVAL": "0"}, "METRICS_UPDATE_INTERVAL must be a number of seconds above 0"),
        ({"METRICS_UPDATE_INTERVAL": "soon"}, "METRICS_UPDATE_INTERVAL .* was 'soon'"),
        ({"ALERT_WEBHOOK_URL": "your-alert-endpoint.com"}, "ALERT_WEBHOOK_URL must be an http:// or https:// address"),
    ],
)
def test_an_invalid_setting_stops_the_start_with_its_name(
    monkeypatch: pytest.MonkeyPatch, recorder: ProcessRecorder, environment: dict[str, str], message: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ValueError, match=message):
        PerformanceMonitor(None, None, recorder=recorder).start_monitoring()


def test_an_unknown_threshold_is_refused_with_the_list(recorder: ProcessRecorder) -> None:
    names = "max_drawdown, win_rate_min, daily_loss_limit, api_latency_max, error_rate_max"

    with pytest.raises(ValueError, match=f"`drawdown` is unknown; known are {names}"):
        PerformanceMonitor(None, None, alert_thresholds={"drawdown": 0.1}, recorder=recorder)
    with pytest.raises(ValueError, match="known are"):
        TradingConfig(alert_thresholds={"drawdown": 0.1})


def test_trades_of_today_count_into_the_day(
    recorder: ProcessRecorder, port: int, started: list[PerformanceMonitor]
) -> None:
    class Today(UserDatabase):
        def get_trades(self, since: datetime) -> list[dict[str, Any]]:
            rows = [(datetime(2020, 1, 1, tzinfo=UTC), 100.0), (datetime(2999, 1, 1, tzinfo=UTC), -40.0)]
            return [{"pnl": pnl} for closed, pnl in rows if closed >= since]

    monitor = PerformanceMonitor(Today(), TradingConfig(), port=port, recorder=recorder)
    started.append(monitor)
    monitor.start_monitoring()

    wait_until(lambda: samples(port).get("daily_pnl") == -40.0)


def test_an_unreachable_service_address_is_logged_and_the_page_served(
    recorder: ProcessRecorder, port: int, started: list[PerformanceMonitor], caplog: pytest.LogCaptureFixture
) -> None:
    monitor = PerformanceMonitor("http://127.0.0.1:1", None, port=port, recorder=recorder)
    started.append(monitor)

    monitor.start_monitoring()

    assert "no Seatrial metrics service answers at http://127.0.0.1:1" in caplog.text
    assert httpx.get(f"http://127.0.0.1:{port}/metrics").status_code == 200


def test_monitoring_port_also_moves_the_sender() -> None:
    from seatrial.monitoring.collecting.recorder import metrics_url

    assert metrics_url({}) == "http://127.0.0.1:9999"
    assert metrics_url({"MONITORING_PORT": "9100"}) == "http://127.0.0.1:9100"
    assert metrics_url({"MONITORING_PORT": "9100", "SEATRIAL_METRICS_URL": "http://metrics:1"}) == "http://metrics:1"
