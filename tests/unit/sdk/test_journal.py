"""Every record that `record_trade` returned from arrives once, however its process ends."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import pytest
from tests.support.fake_ledger import FakeLedger, fake_ledger
from tests.support.ports import free_port
from tests.support.waiting import wait_until

from seatrial.monitoring import MetricsCollector
from seatrial.monitoring.collecting import journal
from seatrial.monitoring.collecting.recorder import ProcessRecorder
from seatrial_core import catalog

POOL = """
import multiprocessing, sys, warnings
from seatrial.monitoring import MetricsCollector
warnings.simplefilter("ignore")
def work(number):
    MetricsCollector().record_trade("s", "BUY", "filled", 0.1, trade_id="t%d" % number)
if __name__ == "__main__":
    MetricsCollector()
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        pool.map(work, range(200))
"""
ENDS = {
    "os._exit": "os._exit(0)",
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM)",
    "an end after a request": "time.sleep(0.6); metrics.record_trade('s', 'BUY', 'filled', 0.1, trade_id='t50'); "
    "os._exit(0)",
}


@pytest.fixture
def service() -> Iterator[FakeLedger]:
    with fake_ledger() as state:
        yield state


def run(script: str, url: str, spill: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SEATRIAL_METRICS_URL": url, "SEATRIAL_SPILL_DIR": str(spill), "SEATRIAL_TOKEN": "t"}
    path = spill.with_name("bot.py")
    path.write_text(script)
    return subprocess.run(
        [sys.executable, str(path), *arguments],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def send_what_is_left(service: FakeLedger, spill: Path) -> None:
    done = run(
        "from seatrial.monitoring import MetricsCollector\nprint(MetricsCollector().flush())", service.url, spill
    )
    assert done.stdout == "True\n", done.stderr
    assert not journal.files(spill)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_the_records_of_terminated_pool_workers_arrive_once(service: FakeLedger, tmp_path: Path, method: str) -> None:
    done = run(POOL, service.url, tmp_path / "spill", method)

    assert done.returncode == 0, done.stderr
    assert Counter(event["trade_id"] for event in service.events) == Counter(f"t{number}" for number in range(200))
    assert len({event["id"] for event in service.events}) == 200


@pytest.mark.parametrize("end", ENDS)
def test_the_records_of_a_killed_process_arrive_once(service: FakeLedger, tmp_path: Path, end: str) -> None:
    script = f"""
import os, signal, time
from seatrial.monitoring import MetricsCollector
metrics = MetricsCollector()
for number in range(50):
    metrics.record_trade("s", "BUY", "filled", 0.1, trade_id="t%d" % number)
{ENDS[end]}
"""
    run(script, service.url, tmp_path / "spill")
    send_what_is_left(service, tmp_path / "spill")

    expected = 51 if "t50" in ENDS[end] else 50
    assert Counter(event["trade_id"] for event in service.events) == Counter(f"t{number}" for number in range(expected))
    assert len({event["id"] for event in service.events}) == expected


def test_a_batch_that_arrived_before_the_process_was_killed_counts_once(service: FakeLedger, tmp_path: Path) -> None:
    script = """
import os, signal, time
from seatrial.monitoring import MetricsCollector
metrics = MetricsCollector()
for number in range(1200):
    metrics.record_webhook("w%d" % number)
time.sleep(30)
"""
    service.faults = [202, "lost"]  # a probe, and a batch whose answer is lost
    environment = {
        **os.environ,
        "SEATRIAL_METRICS_URL": service.url,
        "SEATRIAL_SPILL_DIR": str(tmp_path / "spill"),
        "SEATRIAL_TOKEN": "t",
    }
    process = subprocess.Popen([sys.executable, "-c", script], env=environment)
    wait_until(lambda: service.keys)
    process.send_signal(signal.SIGKILL)
    process.wait()

    send_what_is_left(service, tmp_path / "spill")

    assert sorted(event["status"] for event in service.events) == sorted(f"w{number}" for number in range(1200))


def test_a_line_cut_off_by_the_kill_is_no_record(service: FakeLedger, tmp_path: Path) -> None:
    script = """
import os
from seatrial.monitoring import MetricsCollector
metrics = MetricsCollector()
metrics.record_webhook("whole")
metrics.record_webhook("cut")
os._exit(0)
"""
    run(script, f"http://127.0.0.1:{free_port()}", tmp_path / "spill")
    (path,) = journal.files(tmp_path / "spill")
    path.write_bytes(path.read_bytes()[:-10])

    with journal.abandoned(path) as left:
        assert left is not None
        assert [event["status"] for _, event in left.records] == ["whole"]
        assert left.damaged == 0


def test_the_journal_of_a_live_process_is_left_alone(tmp_path: Path) -> None:
    file = journal.JournalFile(tmp_path, "0" * 32, 1, "here")
    with journal.abandoned(file.path) as left:
        assert left is None
    file.release()
    with journal.abandoned(file.path) as left:
        assert left is not None


def test_the_encoding_is_json() -> None:
    event = {"a": '\u00e9\n"\\', "b": 1.5, "c": 3, "d": True, "e": None, "f": {"g": [1]}, "h": 1e300}

    assert json.loads(journal.encode(event)) == event


def test_a_disk_without_room_loses_no_record_of_a_process_that_lives(
    service: FakeLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_SPILL_DIR", str(tmp_path / "spill"))
    monkeypatch.setenv("SEATRIAL_METRICS_URL", service.url)
    recorder = ProcessRecorder()
    metrics = MetricsCollector(recorder=recorder)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, limits[1]))
    try:
        for _ in range(100):
            metrics.record_webhook("success")
        assert metrics.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    recorder.sender.close()

    assert len(service.events) == 100
    assert recorder.counters.value(catalog.TRADING_EVENTS_DROPPED, "spill_unwritable") == 0
    assert not journal.files(tmp_path / "spill")


def test_a_parent_that_recorded_nothing_ends_at_once_without_a_service(tmp_path: Path) -> None:
    began = perf_counter()
    run(POOL, f"http://127.0.0.1:{free_port()}", tmp_path / "spill", "fork")

    assert perf_counter() - began < 30
