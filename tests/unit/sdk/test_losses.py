"""Records that a producer lost are reported to the metrics service."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.fake_ledger import FakeLedger, fake_ledger
from tests.support.ports import free_port
from tests.support.waiting import wait_until

from seatrial.monitoring import MetricsCollector
from seatrial.monitoring.collecting.recorder import ProcessRecorder
from seatrial.monitoring.collecting.spill import SpillFolder
from seatrial_core import catalog
from seatrial_core.contracts.events import EVENT


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessRecorder]:
    monkeypatch.setenv("SEATRIAL_SPILL_DIR", str(tmp_path / "spill"))
    monkeypatch.setenv("SEATRIAL_METRICS_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("SEATRIAL_TOKEN", "a-token-of-the-tests")
    recorder = ProcessRecorder()
    yield recorder
    recorder.sender.close()


def reported(service: FakeLedger) -> dict[str, int]:
    counts: dict[str, int] = {}
    for event in service.of_type("dropped"):
        EVENT.validate_python(event)
        counts[event["reason"]] = counts.get(event["reason"], 0) + event["count"]
    return counts


def test_invalid_records_are_reported_with_their_reason(recorder: ProcessRecorder) -> None:
    metrics = MetricsCollector(engine="bot", environment="paper", recorder=recorder)
    with fake_ledger() as service:
        recorder.send_to(service.url)
        for _ in range(3):
            metrics.record_trade("s", "BUY", "filled", float("nan"))
        metrics.record_error("")
        assert metrics.flush()
        assert metrics.flush()

        assert reported(service) == {"nan": 3, "empty": 1}
        assert {(event["engine"], event["environment"]) for event in service.events} == {("bot", "paper")}


def test_what_the_service_refused_is_not_reported_again(recorder: ProcessRecorder) -> None:
    metrics = MetricsCollector(recorder=recorder)
    with fake_ledger() as service:
        recorder.send_to(service.url)
        service.rejects = {"webhook": "too_old"}
        metrics.record_webhook("success")
        assert metrics.flush()
        assert metrics.flush()

        assert reported(service) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_what_a_full_disk_lost_is_reported(recorder: ProcessRecorder, tmp_path: Path) -> None:
    disk = tmp_path / "spill"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)], check=True)
    try:
        metrics = MetricsCollector(recorder=recorder)
        for number in range(4_000):
            metrics.record_webhook(f"w{number % 100}")
            if number % 500 == 499:
                assert not metrics.flush()
        lost = recorder.counters.value(catalog.TRADING_EVENTS_DROPPED, "spill_unwritable") or 0
        assert lost > 1_000
        with fake_ledger() as service:
            recorder.send_to(service.url)
            wait_until(metrics.flush)
            wait_until(lambda: reported(service) == {"spill_unwritable": lost}, describe=lambda: reported(service))
            wait_until(
                lambda: len(service.of_type("webhook")) == 4_000 - lost,
                describe=lambda: (lost, len(service.of_type("webhook"))),
            )
        recorder.sender.close()
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_truncated_spill_file_is_counted_and_reported(recorder: ProcessRecorder, tmp_path: Path) -> None:
    metrics = MetricsCollector(recorder=recorder)
    for _ in range(5):
        metrics.record_webhook("success")
    assert not metrics.flush()
    (path,) = SpillFolder(tmp_path / "spill").waiting()
    path.write_bytes(path.read_bytes()[:100])

    with fake_ledger() as service:
        recorder.send_to(service.url)
        metrics.record_webhook("success")
        assert metrics.flush()
        assert metrics.flush()

        assert recorder.counters.value(catalog.TRADING_EVENTS_DROPPED, "spill_damaged") == 5
        assert reported(service) == {"spill_damaged": 5}
        assert len(service.of_type("webhook")) == 1
