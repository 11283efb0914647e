"""The collector: counting, dropping and sending records."""

import threading
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from prometheus_client import generate_latest
from tests.support.fake_ledger import FakeLedger, fake_ledger
from tests.support.http_stub import StubResponse, http_stub
from tests.support.waiting import wait_until

from seatrial.monitoring.collecting.recorder import ProcessRecorder
from seatrial.monitoring.collecting.spill import SpillFolder
from seatrial.monitoring.metrics_collector import MetricsCollector
from seatrial_core import catalog
from seatrial_core.contracts.events import EVENT
from seatrial_core.label_budget import LABEL_BUDGET


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessRecorder]:
    monkeypatch.setenv("SEATRIAL_SPILL_DIR", str(tmp_path / "spill"))
    monkeypatch.setenv("SEATRIAL_METRICS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SEATRIAL_TOKEN", "a-token-of-the-tests")
    recorder = ProcessRecorder()
    yield recorder
    recorder.sender.close()


@pytest.fixture
def metrics(recorder: ProcessRecorder) -> MetricsCollector:
    return MetricsCollector(recorder=recorder)


@pytest.fixture
def service(recorder: ProcessRecorder) -> Iterator[FakeLedger]:
    with fake_ledger() as state:
        recorder.send_to(state.url)
        yield state


def page(recorder: ProcessRecorder) -> list[str]:
    return generate_latest(recorder.registry).decode().splitlines()


def test_a_recorded_trade_counts_with_its_side_in_upper_case(
    recorder: ProcessRecorder, metrics: MetricsCollector
) -> None:
    metrics.record_trade("rsi_bollinger", "buy", "filled", 1.25)

    lines = page(recorder)
    assert 'trades_total{side="BUY",status="filled",strategy="rsi_bollinger"} 1.0' in lines
    assert 'trades_total{side="BUY",status="rejected",strategy="rsi_bollinger"} 0.0' in lines
    assert "trade_duration_seconds_count 1.0" in lines
    assert 'trade_duration_seconds_bucket{le="2.5"} 1.0' in lines
    assert 'trade_duration_seconds_bucket{le="1.0"} 0.0' in lines


def test_every_family_of_the_guide_is_exposed_before_the_first_record(recorder: ProcessRecorder) -> None:
    lines = page(recorder)

    for family in catalog.GUIDE_METRICS:
        assert f"# HELP {family.name} {family.help}" in lines
        assert f"# TYPE {family.name} {family.kind}" in lines
    assert not [line for line in lines if not line.startswith("#")]


def test_every_recorded_event_is_valid_in_the_ledger(metrics: MetricsCollector, service: FakeLedger) -> None:
    metrics.record_trade("s", "SELL", "filled", 0.1, trade_id="t1", symbol="X", quantity=2, price=10.5, pnl=-1, fee=0.1)
    metrics.record_api_latency("place_order", 0.25)
    metrics.record_webhook("success")
    metrics.record_error("signal_processing")
    metrics.update_system_metrics()
    metrics.heartbeat()
    metrics.open_account(10_000)
    metrics.mark_equity(9_999.5, 1, 20)

    assert metrics.flush()
    assert service.keys[0].endswith("/1")
    assert set(service.tokens) == {"Bearer a-token-of-the-tests"}
    parsed = [EVENT.validate_python(event) for event in service.events]
    assert [event.type for event in parsed] == [
        "trade", "api_call", "webhook", "error", "system", "heartbeat", "account", "equity",
    ]  # fmt: skip
    assert len({event.id for event in parsed}) == 8


def test_the_same_trade_is_counted_once(
    recorder: ProcessRecorder, metrics: MetricsCollector, service: FakeLedger
) -> None:
    for _ in range(3):
        metrics.record_trade("s", "BUY", "filled", 0.1, trade_id="t1")

    assert recorder.counters.value(catalog.TRADES, "s", "BUY", "filled") == 1
    assert metrics.flush()
    assert len(service.events) == 1


def test_every_step_of_one_trade_counts(
    recorder: ProcessRecorder, metrics: MetricsCollector, service: FakeLedger
) -> None:
    for status in ("pending", "filled", "filled"):
        metrics.record_trade("s", "BUY", status, 0.1, trade_id="t1", price=100)
    for pnl in (-5, -5.0, 7):
        metrics.record_trade("s", "SELL", "filled", 0.1, trade_id="t1", pnl=pnl)

    assert recorder.closed_trades.totals().pnl == 2
    assert recorder.counters.value(catalog.TRADES, "s", "BUY", "pending") == 1
    assert metrics.flush()
    assert len(service.events) == 4


def test_events_ahead_of_the_services_clock_wait_and_are_sent_when_their_time_comes(
    recorder: ProcessRecorder, metrics: MetricsCollector, service: FakeLedger
) -> None:
    service.rejects, service.retry_after_seconds = {"trade": "in_the_future"}, 0.5
    metrics.heartbeat()
    metrics.record_trade("s", "SELL", "filled", 0.1, pnl=-5)
    assert not metrics.flush()
    assert [event["type"] for event in service.events] == ["heartbeat"]

    service.rejects = {}

    wait_until(lambda: len(service.events) == 2)
    assert [event["type"] for event in service.events] == ["heartbeat", "trade"]
    assert metrics.flush()
    assert recorder.counters.value(catalog.TRADING_EVENTS_DROPPED, "in_the_future") == 0


@pytest.mark.parametrize(
    ("duration", "reason"),
    [
        (None, "none"),
        (float("nan"), "nan"),
        (float("inf"), "infinite"),
        (-1, "negative"),
        ("1.0", "wrong_type"),
        (True, "wrong_type"),
        (1e12, "too_large"),
        (object(), "wrong_type"),
    ],
)
def test_an_invalid_duration_is_dropped_and_counted(
    recorder: ProcessRecorder, metrics: MetricsCollector, duration: float, reason: str
) -> None:
    metrics.record_trade("s", "BUY", "filled", duration)
    metrics.record_api_latency("e", duration)

    assert recorder.counters.value(catalog.TRADING_EVENTS_DROPPED, reason) == 2
    assert recorder.counters.value(catalog.TRADES, "s", "BUY", "filled") == 0


@pytest.mark.parametrize(
    ("word", "reason"),
    [(None, "none"), ("", "empty"), ("x" * 129, "too_long"), (7, "wrong_type"), ("a\0b", "not_printable"),
     ("\ud800", "not_printable")],
)  # fmt: skip
def test_an_invalid_label_is_dropped_and_counted(
    recorder: ProcessRecorder, metrics: MetricsCollector, word: str, reason: str
) -> None:
    metrics.record_trade(word, "BUY", "filled", 1.0)
    metrics.record_webhook(word)
    metrics.record_error(word)

    assert recorder.counters.value(catalog.TRADING_EVENTS_DROPPED, reason) == 3


def test_amounts_of_any_number_type_reach_the_ledger_exactly(metrics: MetricsCollector, service: FakeLedger) -> None:
    metrics.record_trade(
        "s", "SELL", "filled", float(np.float32(0.5)), pnl=np.float64(0.1), price="10.10", quantity=np.int64(3)
    )

    assert metrics.flush()
    event = service.events[0]
    assert (event["pnl"], event["price"], event["quantity"]) == ("0.1", "10.10", "3.0")


def test_strategies_beyond_the_budget_are_counted_as_other(
    recorder: ProcessRecorder, metrics: MetricsCollector
) -> None:
    for number in range(300):
        metrics.record_trade(f"s{number}", "BUY", "filled", 0.1)

    lines = [line for line in page(recorder) if line.startswith("trades_total{")]
    assert sum(float(line.rsplit(" ", 1)[1]) for line in lines) == 300
    assert len({line.split("strategy=")[1].split("}")[0] for line in lines}) == LABEL_BUDGET + 1
    assert 'trading_label_overflow_total{label="strategy"} 200.0' in page(recorder)


def test_the_first_processor_value_is_measured(recorder: ProcessRecorder, metrics: MetricsCollector) -> None:
    metrics.update_system_metrics()

    assert 0 <= (recorder.counters.value(catalog.SYSTEM_CPU) or 0) <= 100
    assert 0 < (recorder.counters.value(catalog.SYSTEM_MEMORY) or 0) <= 100
    assert 0 < (recorder.counters.value(catalog.SYSTEM_DISK) or 0) <= 100


def test_recording_does_not_wait_for_a_service_that_hangs(
    recorder: ProcessRecorder, metrics: MetricsCollector, service: FakeLedger
) -> None:
    service.hang = threading.Event()
    metrics.record_webhook("first")
    wait_until(lambda: recorder.sender._in_flight is not None)

    for _ in range(5_000):
        metrics.record_webhook("success")

    assert recorder.sender._in_flight is not None, "the first batch was answered before the last record was taken"
    assert recorder.counters.value(catalog.TRADING_WEBHOOKS, "success") == 5_000
    service.hang.set()


def test_many_threads_lose_no_count(recorder: ProcessRecorder, metrics: MetricsCollector, service: FakeLedger) -> None:
    def work() -> None:
        for _ in range(500):
            metrics.record_trade("s", "BUY", "filled", 0.01)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert recorder.counters.value(catalog.TRADES, "s", "BUY", "filled") == 4_000
    assert metrics.flush()
    assert len(service.events) == 4_000
    assert len(set(service.keys)) == len(service.keys)


def test_unsent_records_are_spilled_and_sent_once_when_the_service_is_back(
    recorder: ProcessRecorder, metrics: MetricsCollector, service: FakeLedger, tmp_path: Path
) -> None:
    service.status = 503
    metrics.record_trade("s", "BUY", "filled", 0.1, trade_id="t1")
    assert not metrics.flush()
    waiting = SpillFolder(tmp_path / "spill").waiting()
    assert len(waiting) == 1
    assert waiting[0].stat().st_mode & 0o777 == 0o600

    service.status = 202
    wait_until(lambda: not SpillFolder(tmp_path / "spill").waiting())

    assert [event["trade_id"] for event in service.events] == ["t1"]
    assert len(service.batches) == 1


def test_rejected_events_are_counted_by_their_code(
    recorder: ProcessRecorder, metrics: MetricsCollector, service: FakeLedger
) -> None:
    service.rejects = {"webhook": "too_old"}

    metrics.record_webhook("success")

    assert metrics.flush()
    assert recorder.counters.value(catalog.TRADING_EVENTS_DROPPED, "too_old") == 1


def test_a_full_buffer_drops_and_counts(recorder: ProcessRecorder, service: FakeLedger) -> None:
    service.hang = threading.Event()
    metrics = MetricsCollector(recorder=recorder)
    for _ in range(25_000):
        metrics.record_webhook("success")

    dropped = recorder.counters.value(catalog.TRADING_EVENTS_DROPPED, "buffer_full") or 0
    assert 4_000 <= dropped <= 5_000
    assert recorder.counters.value(catalog.TRADING_WEBHOOKS, "success") == 25_000
    service.hang.set()


def test_closing_while_the_service_hangs_keeps_the_batch_in_flight(
    recorder: ProcessRecorder, metrics: MetricsCollector, service: FakeLedger, tmp_path: Path
) -> None:
    service.hang = threading.Event()
    metrics.record_webhook("one")
    wait_until(lambda: recorder.sender._in_flight is not None)
    metrics.record_webhook("two")

    began = perf_counter()
    recorder.sender.close(0.3)

    assert perf_counter() - began < 15  # the service hangs for 30
    batches = [SpillFolder(tmp_path / "spill").read(path) for path in SpillFolder(tmp_path / "spill").waiting()]
    assert [event["status"] for batch in batches if batch for event in batch.events] == ["one", "two"]
    service.hang.set()


def test_another_program_receives_neither_token_nor_event(recorder: ProcessRecorder, tmp_path: Path) -> None:
    with http_stub(lambda request: StubResponse(200, b"ok")) as other:
        recorder.send_to(other.url)
        metrics = MetricsCollector(recorder=recorder)
        metrics.record_webhook("secret business")
        assert not metrics.flush()

    assert {(request.headers.get("Authorization"), request.body) for request in other.requests} == {(None, b"[]")}
    assert len(SpillFolder(tmp_path / "spill").waiting()) == 1


def test_an_unknown_environment_is_refused(recorder: ProcessRecorder) -> None:
    with pytest.raises(ValueError, match="live, paper, replay, stress"):
        MetricsCollector(environment="production", recorder=recorder)
