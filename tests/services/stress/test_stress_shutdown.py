"""The real engine under a failing exchange, and the end of a service's generator processes with the service."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
from tests.services.stress.service_process import service
from tests.services.stress.tiny_engine import TinyEngine, serving
from tests.support.ports import free_port
from tests.support.waiting import wait_until

from seatrial_core.contracts.stress import CheckState, Slo, Verdict
from seatrial_stress import runner
from seatrial_stress.plans import catalog

END_SECONDS = 40.0


def start_run(process: subprocess.Popen[bytes], address: str) -> list[psutil.Process]:
    """Start a run; return the service's child processes: Locust's page and the run's generator."""
    httpx.post(f"{address}/v1/runs", json={"plan": "high_frequency"}).raise_for_status()
    parent = psutil.Process(process.pid)
    wait_until(lambda: len(parent.children()) == 2, describe=parent.children)
    return parent.children(recursive=True)


def test_engine_records_are_consistent_under_a_failing_exchange(role_url: Callable[[str], str]) -> None:
    slos = (Slo(quantile=0.95, seconds=6.0), Slo(quantile=0.99, seconds=6.0))
    plan = catalog.with_overrides(
        catalog.get("api_failure"), duration_seconds=4.0, warm_up_seconds=0.2, rate_per_second=100.0, slos=slos
    )

    with service("engine", role_url("engine"), SEATRIAL_METRICS_URL="http://127.0.0.1:1") as (_, address):
        report = asyncio.run(runner.run(plan, address))

    states = {check.name: check.state for check in report.checks}
    assert report.verdict in {Verdict.PASS, Verdict.INVALID}, str(report.checks)  # INVALID if the machine is busy
    assert {check.state for check in report.checks if check.kind == "ledger"} == {CheckState.PASS}
    assert states["faults_injected"] is CheckState.PASS


def test_killed_service_leaves_no_generator_and_no_files(database_url: str, tmp_path: Path) -> None:
    with serving(TinyEngine()) as engine_url:
        settings = {"SEATRIAL_ENGINE_URL": engine_url, "SEATRIAL_STRESS_UI_PORT": str(free_port())}
        settings["TMPDIR"] = str(tmp_path)
        with service("stress", database_url, **settings) as (process, address):
            children = start_run(process, address)
            process.kill()
            process.wait()

            _, alive = psutil.wait_procs(children, timeout=END_SECONDS)

    assert alive == []
    assert list(tmp_path.glob("seatrial-*")) == []


def test_terminated_service_exits_with_zero_after_its_generators(database_url: str) -> None:
    with serving(TinyEngine()) as engine_url:
        settings = {"SEATRIAL_ENGINE_URL": engine_url, "SEATRIAL_STRESS_UI_PORT": str(free_port())}
        with service("stress", database_url, **settings) as (process, address):
            children = start_run(process, address)
            process.terminate()
            exit_code = process.wait(END_SECONDS)

    assert exit_code == 0
    assert [child for child in children if child.is_running()] == []
