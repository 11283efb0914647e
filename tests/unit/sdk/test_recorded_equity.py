"""Equity in the monitor from recorded trades alone: drawdown, transfers, and what a restart keeps."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.fake_ledger import FakeLedger, fake_ledger
from tests.support.http_stub import RecordedRequest, StubResponse, http_stub
from tests.support.ports import free_port
from tests.support.waiting import wait_until

from seatrial.monitoring import MetricsCollector, PerformanceMonitor
from seatrial.monitoring.collecting.recorder import ProcessRecorder
from seatrial_core import catalog
from seatrial_core.contracts.events import EVENT


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_SPILL_DIR", str(tmp_path / "spill"))
    monkeypatch.setenv("SEATRIAL_METRICS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SEATRIAL_ALERTS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SEATRIAL_TOKEN", "a-token-of-the-tests")
    monkeypatch.delenv("INITIAL_BALANCE", raising=False)


@pytest.fixture
def recorder() -> Iterator[ProcessRecorder]:
    recorder = ProcessRecorder()
    yield recorder
    recorder.sender.close()


@pytest.fixture
def service(recorder: ProcessRecorder) -> Iterator[FakeLedger]:
    with fake_ledger() as state:
        recorder.send_to(state.url)
        yield state


def read_once(recorder: ProcessRecorder, config: object = None, source: object = None) -> dict[str, float | None]:
    """Start a monitor, wait for its first reading and stop it."""
    gauges = (catalog.CURRENT_PNL, catalog.DAILY_PNL, catalog.MAX_DRAWDOWN)
    recorder.counters.set_gauges({catalog.SYSTEM_CPU: None, **dict.fromkeys(gauges)})
    monitor = PerformanceMonitor(source, config, port=free_port(), interval=60, recorder=recorder)
    monitor.start_monitoring()
    wait_until(lambda: recorder.counters.value(catalog.SYSTEM_CPU) is not None)
    monitor.stop_monitoring()
    return {gauge.name: recorder.counters.value(gauge) for gauge in gauges}


def test_a_bot_that_only_records_trades_raises_the_drawdown_alert(recorder: ProcessRecorder) -> None:
    notifications: list[dict[str, Any]] = []

    def answer(request: RecordedRequest) -> StubResponse:
        notifications.append(request.json())
        return StubResponse(200)

    metrics = MetricsCollector(recorder=recorder, initial_balance=10_000)
    with http_stub(answer) as receiver:
        config = {"alert_webhook_url": receiver.url}
        monitor = PerformanceMonitor(None, config, port=free_port(), interval=0.05, recorder=recorder)
        monitor.start_monitoring()
        for _ in range(30):
            metrics.record_trade("rsi", "SELL", "filled", 0.1, pnl=-100)
        wait_until(lambda: "max_drawdown" in {notification["rule"] for notification in notifications})
        wait_until(lambda: recorder.counters.value(catalog.CURRENT_PNL) == -3_000)
        monitor.stop_monitoring()

    assert recorder.counters.value(catalog.MAX_DRAWDOWN) == pytest.approx(30)


def test_the_opening_balance_precedes_the_first_trade(metrics_of: Any, service: FakeLedger) -> None:
    metrics = metrics_of(initial_balance="2500.50", currency="EUR", session_zone="Europe/Berlin")
    metrics.record_trade("s", "SELL", "filled", 0.1, pnl=-5)
    metrics.record_trade("s", "SELL", "filled", 0.1, pnl=-5)
    metrics.record_transfer(-100)
    metrics.record_funding("-0.25")
    metrics.record_fee(1.5)
    metrics.record_fx_rate("EUR", "USD", "1.08", source="ecb")
    metrics.mark_equity(2_380)

    assert metrics.flush()
    parsed = [EVENT.validate_python(event) for event in service.events]
    assert [event.type for event in parsed] == [
        "account", "trade", "trade", "transfer", "funding", "fee", "fx_rate", "equity",
    ]  # fmt: skip
    opening = service.events[0]
    assert (opening["opening_balance"], opening["currency"], opening["session_zone"]) == (
        "2500.50", "EUR", "Europe/Berlin",
    )  # fmt: skip
    assert opening["occurred_at"] <= service.events[1]["occurred_at"]


@pytest.fixture
def metrics_of(recorder: ProcessRecorder) -> Any:
    return lambda **options: MetricsCollector(recorder=recorder, **options)


def test_the_balance_of_the_environment_opens_one_account_only(
    metrics_of: Any, service: FakeLedger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("INITIAL_BALANCE", "5000")
    first, second = metrics_of(account="a"), metrics_of(account="b")
    with caplog.at_level(logging.WARNING, "seatrial"):
        for metrics in (first, second, second):
            metrics.record_trade("s", "SELL", "filled", 0.1, pnl=-1)

    assert first.flush()
    assert [(event["account"], event["opening_balance"]) for event in service.of_type("account")] == [("a", "5000")]
    warnings = [record.getMessage() for record in caplog.records if "has no opening balance" in record.getMessage()]
    assert len(warnings) == 1
    assert "'b'" in warnings[0]


def test_a_monitor_that_starts_late_opens_the_account_at_its_first_trade(
    metrics_of: Any, recorder: ProcessRecorder, service: FakeLedger
) -> None:
    metrics = metrics_of()
    metrics.record_trade("s", "SELL", "filled", 0.1, pnl=-4_000)
    metrics.record_trade("s", "SELL", "filled", 0.1, pnl=2_000)

    figures = read_once(recorder, {"initial_balance": 10_000})

    assert figures == {"current_pnl": -2_000, "daily_pnl": -2_000, "max_drawdown_percent": pytest.approx(40)}
    assert metrics.flush()
    opening = service.of_type("account")[0]
    trades = service.of_type("trade")
    assert opening["occurred_at"] <= trades[0]["occurred_at"]
    assert (opening["account"], opening["environment"]) == (trades[0]["account"], trades[0]["environment"])


def test_a_deposit_hides_no_drawdown(metrics_of: Any, recorder: ProcessRecorder) -> None:
    metrics = metrics_of(initial_balance=10_000)
    metrics.record_trade("s", "SELL", "filled", 0.1, pnl=-1_500)
    metrics.record_transfer(5_000)

    figures = read_once(recorder)

    assert figures == {"current_pnl": -1_500, "daily_pnl": -1_500, "max_drawdown_percent": pytest.approx(15)}


def test_a_withdrawal_from_a_balance_is_no_loss(metrics_of: Any, recorder: ProcessRecorder) -> None:
    class Account:
        balance = 10_000.0

        def get_balance(self) -> float:
            return self.balance

    account = Account()
    assert read_once(recorder, None, account)["max_drawdown_percent"] == 0

    metrics_of().record_transfer(-5_000)
    account.balance = 5_000

    assert read_once(recorder, None, account) == {"current_pnl": 0, "daily_pnl": 0, "max_drawdown_percent": 0}


def test_a_withdrawal_while_the_monitor_reads_the_balance_is_no_loss(recorder: ProcessRecorder) -> None:
    class Account:
        balance = 10_000.0
        readings = 0

        def get_balance(self) -> float:
            self.readings += 1
            return self.balance

    account = Account()
    monitor = PerformanceMonitor(account, None, port=free_port(), interval=0.02, recorder=recorder)
    monitor.start_monitoring()
    wait_until(lambda: recorder.counters.value(catalog.CURRENT_PNL) == 0)
    account.balance = 12_000
    wait_until(lambda: recorder.counters.value(catalog.CURRENT_PNL) == 2_000)
    monitor.stop_monitoring()
    MetricsCollector(recorder=recorder).record_transfer(-6_000)
    account.balance = 6_000

    assert read_once(recorder, None, account) == {
        "current_pnl": 2_000,
        "daily_pnl": 2_000,
        "max_drawdown_percent": 0,
    }


def test_a_second_start_in_one_process_counts_no_trade_twice(metrics_of: Any, recorder: ProcessRecorder) -> None:
    metrics = metrics_of(initial_balance=10_000)
    metrics.record_trade("s", "SELL", "filled", 0.1, pnl=-2_500)
    assert read_once(recorder)["current_pnl"] == -2_500

    metrics.record_trade("s", "SELL", "filled", 0.1, pnl=500)

    assert read_once(recorder) == {"current_pnl": -2_000, "daily_pnl": -2_000, "max_drawdown_percent": 25}


@pytest.mark.parametrize("is_balance", [True, False], ids=["balance", "recorded"])
def test_a_restart_keeps_the_peak_and_the_session(is_balance: bool) -> None:
    class Account:
        def __init__(self, balance: float) -> None:
            self.balance = balance

        def get_balance(self) -> float:
            return self.balance

    def run(before: float, after: float) -> dict[str, float | None]:
        recorder = ProcessRecorder()
        if is_balance:
            read_once(recorder, None, Account(before))
            result = read_once(recorder, None, Account(after))
        else:
            metrics = MetricsCollector(recorder=recorder, initial_balance=10_000)
            metrics.record_trade("s", "SELL", "filled", 0.1, pnl=after - before)
            result = read_once(recorder)
        recorder.sender.close()
        return result

    run(10_000, 7_500)
    figures = run(7_500, 7_400)

    assert figures == {"current_pnl": -2_600, "daily_pnl": -2_600, "max_drawdown_percent": pytest.approx(26)}


def test_a_damaged_state_is_reported_and_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = ProcessRecorder()
    metrics = MetricsCollector(recorder=recorder, initial_balance=10_000)
    metrics.record_trade("s", "SELL", "filled", 0.1, pnl=-2_500)
    read_once(recorder)
    recorder.sender.close()
    (stored,) = (tmp_path / "spill").glob("equity-*.json")
    assert stored.stat().st_mode & 0o777 == 0o600
    stored.write_text(stored.read_text()[:40])

    fresh = ProcessRecorder()
    figures = read_once(fresh)
    fresh.sender.close()

    assert figures == {"current_pnl": None, "daily_pnl": None, "max_drawdown_percent": None}
    assert f"the stored equity in {stored} cannot be used" in caplog.text


@pytest.mark.parametrize("balance", ["ten", -1, float("nan")])
def test_an_invalid_opening_balance_is_refused(metrics_of: Any, balance: object) -> None:
    with pytest.raises(ValueError, match="initial_balance must be an amount from 0 up"):
        metrics_of(initial_balance=balance)
