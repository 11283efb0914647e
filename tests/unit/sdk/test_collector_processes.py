"""The collector in separate processes: exit, spill, resend, fork."""

import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from tests.support.fake_ledger import fake_ledger
from tests.support.ports import free_port, silent_listener

from seatrial.monitoring.collecting.spill import SpillFolder

RECORD = """
from seatrial.monitoring import MetricsCollector
metrics = MetricsCollector()
metrics.record_trade("rsi_bollinger", "BUY", "filled", 1.25)
metrics.record_api_latency("place_order", 0.25)
metrics.record_webhook("success")
metrics.update_system_metrics()
"""
TIMED = """
import atexit, time
atexit.register(lambda: print(time.perf_counter() - began))
{script}
began = time.perf_counter()
"""


def run(script: str, url: str, spill: Path) -> str:
    environment = {**os.environ, "SEATRIAL_METRICS_URL": url, "SEATRIAL_SPILL_DIR": str(spill), "SEATRIAL_TOKEN": "t"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_script_that_only_records_exits_and_has_sent_everything(tmp_path: Path) -> None:
    with fake_ledger() as service:
        out = run(TIMED.format(script=RECORD), service.url, tmp_path / "spill")

    assert float(out) < 2.0
    assert [event["type"] for event in service.events] == ["trade", "api_call", "webhook", "system"]
    assert not SpillFolder(tmp_path / "spill").waiting()


def test_without_a_service_records_are_spilled_and_the_next_process_sends_them_once(tmp_path: Path) -> None:
    port = free_port()
    out = run(TIMED.format(script=RECORD), f"http://127.0.0.1:{port}", tmp_path / "spill")
    assert float(out) < 2.0
    assert len(SpillFolder(tmp_path / "spill").waiting()) == 1

    with fake_ledger(port) as service:
        run(RECORD, service.url, tmp_path / "spill")
        run(RECORD, service.url, tmp_path / "spill")

    assert [event["type"] for event in service.events] == ["trade", "api_call", "webhook", "system"] * 3
    assert len(service.keys) == len(set(service.keys))
    assert len({key.rpartition("/")[0] for key in service.keys}) == 3, "each process sends under its own producer id"
    assert not SpillFolder(tmp_path / "spill").waiting()


def test_a_service_that_never_answers_does_not_delay_the_exit(tmp_path: Path) -> None:
    with silent_listener() as (port, _):
        out = run(TIMED.format(script=RECORD), f"http://127.0.0.1:{port}", tmp_path / "spill")

    assert float(out) < 2.0
    batches = [SpillFolder(tmp_path / "spill").read(path) for path in SpillFolder(tmp_path / "spill").waiting()]
    assert sum(len(batch.events) for batch in batches if batch) == 4


def test_an_unwritable_spill_folder_loses_the_events_and_nothing_else(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")

    script = (
        RECORD
        + "metrics.flush()\nprint(metrics.recorder.counters.value(catalog.TRADING_EVENTS_DROPPED, 'spill_unwritable'))"
    )
    out = run("from seatrial_core import catalog" + script, f"http://127.0.0.1:{free_port()}", blocked)

    assert float(out) == 4


def test_an_unexpected_error_loses_no_record(tmp_path: Path) -> None:
    run(RECORD, "http://metrics..internal:9999", tmp_path / "spill")  # no name: neither httpx nor its like says so

    batches = [SpillFolder(tmp_path / "spill").read(path) for path in SpillFolder(tmp_path / "spill").waiting()]
    assert sum(len(batch.events) for batch in batches if batch) == 4


def test_the_first_request_imports_nothing(tmp_path: Path) -> None:
    script = """
import sys
from seatrial.monitoring import MetricsCollector
metrics = MetricsCollector()
before = set(sys.modules)
metrics.record_webhook("success")
print(metrics.flush(), sorted(set(sys.modules) - before))
"""
    with fake_ledger() as service:
        assert run(script, service.url, tmp_path / "spill") == "True []\n"


def test_forked_and_spawned_workers_send_their_own_records_only(tmp_path: Path) -> None:
    script = """
import multiprocessing, os, sys, warnings
from seatrial.monitoring import MetricsCollector
warnings.simplefilter("ignore")
metrics = MetricsCollector()
def work(name):
    MetricsCollector().record_webhook(name)
if __name__ == "__main__":
    metrics.record_webhook("parent")
    worker = multiprocessing.get_context("fork").Process(target=work, args=("worker",))
    worker.start(); worker.join()
    pid = os.fork()
    metrics.record_webhook("after fork %d" % (pid == 0))
    if pid: os.waitpid(pid, 0)
"""
    with fake_ledger() as service:
        run(script, service.url, tmp_path / "spill")

    assert sorted(event["status"] for event in service.events) == ["after fork 0", "after fork 1", "parent", "worker"]
    assert len(service.keys) == len(set(service.keys))
    assert len({key.rpartition("/")[0] for key in service.keys}) == 3, "each process sends under its own producer id"


def test_all_collectors_of_a_process_share_one_registry(tmp_path: Path) -> None:
    script = """
from prometheus_client import generate_latest
from seatrial.monitoring import MetricsCollector
MetricsCollector().record_webhook("a")
MetricsCollector().record_webhook("b")
print(generate_latest(MetricsCollector().recorder.registry).decode())
"""
    with fake_ledger() as service:
        out = run(script, service.url, tmp_path / "spill")

    assert 'trading_webhooks_total{status="a"} 1.0' in out
    assert 'trading_webhooks_total{status="b"} 1.0' in out
    assert len(service.batches) == 1


def test_importing_seatrial_imports_no_heavy_library(tmp_path: Path) -> None:
    script = """
import json, sys
import seatrial
heavy = [name for name in ("numpy", "numba", "pydantic", "fastapi", "httpx", "sqlalchemy") if name in sys.modules]
print(json.dumps([heavy, sorted(seatrial.__all__)]))
"""
    heavy, names = json.loads(run(script, "http://127.0.0.1:1", tmp_path))

    assert heavy == []
    assert {"MetricsCollector", "PerformanceMonitor", "TradingEngine", "BacktestingEngine"} <= set(names)


def test_a_script_without_records_exits(tmp_path: Path) -> None:
    began = perf_counter()
    run("from seatrial.monitoring import MetricsCollector; MetricsCollector()", "http://127.0.0.1:1", tmp_path)

    assert perf_counter() - began < 20  # not as long as a sender waits
    assert not list(tmp_path.iterdir())
