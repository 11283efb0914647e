"""Whole processes: the real engine keeps its books under load, and a killed service leaves no generator behind."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from tests.services.stress.tiny_engine import TinyEngine, serving
from tests.support.ports import free_port
from tests.support.waiting import wait_until

from seatrial_core.contracts.stress import CheckState, Slo, Verdict
from seatrial_stress import runner
from seatrial_stress.plans import catalog as plans

PATIENCE_SECONDS = 40.0


@contextmanager
def service(name: str, database_url: str, **settings: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a service as a process; yields it and its address."""
    port = free_port()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SEATRIAL_", "ALERT_"))}
    named = {f"SEATRIAL_{name.upper()}_PORT": str(port), "SEATRIAL_DATABASE_URL": database_url, **settings}
    process = subprocess.Popen(
        [sys.executable, "-m", f"seatrial_{name}"], env={**kept, **named}, stdout=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: _is_ready(address))
        yield process, address
    finally:
        process.kill()
        process.wait()


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health/ready", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_real_engine_keeps_its_books_under_a_failing_exchange(database_url: str) -> None:
    wide = (Slo(quantile=0.95, seconds=6.0), Slo(quantile=0.99, seconds=6.0))
    plan = plans.changed(
        plans.get("api_failure"), duration_seconds=4.0, warm_up_seconds=0.2, rate_per_second=100.0, slos=wide
    )

    with service("engine", database_url, SEATRIAL_METRICS_URL="http://127.0.0.1:1") as (_, address):
        report = asyncio.run(runner.run(plan, address))

    states = {check.name: check.state for check in report.checks}
    assert report.verdict in {Verdict.PASS, Verdict.INVALID}, str(report.checks)  # invalid where the machine is full
    assert {check.state for check in report.checks if check.kind == "ledger"} == {CheckState.PASS}
    assert states["faults_injected"] is CheckState.PASS


def test_killed_service_leaves_neither_generator_nor_files_behind(database_url: str, tmp_path: Path) -> None:
    with serving(TinyEngine()) as engine_url:
        settings = {"SEATRIAL_ENGINE_URL": engine_url, "SEATRIAL_STRESS_UI_PORT": str(free_port())}
        settings["TMPDIR"] = str(tmp_path)
        with service("stress", database_url, **settings) as (process, address):
            httpx.post(f"{address}/v1/runs", json={"plan": "high_frequency"}).raise_for_status()
            wait_until(lambda: len(psutil.Process(process.pid).children()) == 2)  # the page's and the run's
            children = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            process.wait()

            _, alive = psutil.wait_procs(children, timeout=PATIENCE_SECONDS)

    assert alive == []
    assert list(tmp_path.glob("seatrial-*")) == []


def test_terminated_service_ends_with_zero_and_takes_its_generators_along(database_url: str) -> None:
    with serving(TinyEngine()) as engine_url:
        settings = {"SEATRIAL_ENGINE_URL": engine_url, "SEATRIAL_STRESS_UI_PORT": str(free_port())}
        with service("stress", database_url, **settings) as (process, address):
            httpx.post(f"{address}/v1/runs", json={"plan": "high_frequency"}).raise_for_status()
            wait_until(lambda: len(psutil.Process(process.pid).children()) == 2)
            children = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            code = process.wait(PATIENCE_SECONDS)

    assert code == 0
    assert [each for each in children if each.is_running()] == []
