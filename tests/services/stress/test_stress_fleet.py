"""Workers as whole processes of their own: their run passes with exact counts, and a killed one makes it INVALID."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
from tests.services.stress.test_stress_processes import service
from tests.services.stress.tiny_engine import TinyEngine, serving
from tests.support.waiting import wait_until

TOKEN = "a-long-token-for-workers"
PLAN = {
    "name": "two_containers",
    "rate_per_second": 150,
    "duration_seconds": 3,
    "warm_up_seconds": 0.3,
    "timeout_seconds": 1,
    "workers": 2,
    "slos": [{"quantile": 0.95, "seconds": 6}],
}


@contextlib.contextmanager
def fleet(database_url: str, engine: TinyEngine) -> Iterator[tuple[httpx.Client, list[subprocess.Popen[bytes]], str]]:
    """Run a stress service and two workers; yields a client, the workers and the engine's address."""
    settings = {"SEATRIAL_STRESS_UI_PORT": "0", "SEATRIAL_TOKENS": f"{TOKEN}=stress:run,stress:read,admin"}
    with serving(engine) as engine_url, service("stress", database_url, **settings) as (_, address):
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SEATRIAL_")}
        named = {"SEATRIAL_STRESS_URL": address, "SEATRIAL_TOKEN": TOKEN}
        command = [sys.executable, "-m", "seatrial_stress.worker"]
        workers = [subprocess.Popen(command, env={**kept, **named}, stdout=subprocess.DEVNULL) for _ in range(2)]
        headers = {"Authorization": f"Bearer {TOKEN}"}
        try:
            with httpx.Client(base_url=address, headers=headers) as http:
                wait_until(lambda: len(http.get("/health/detail").json()["idle_workers"]) == 2)
                yield http, workers, engine_url
        finally:
            for each in workers:
                each.kill()
                each.wait()


def ended(http: httpx.Client, identity: str) -> dict[str, Any]:
    """Wait for a run's end and return its state."""
    wait_until(lambda: http.get(f"/v1/runs/{identity}").json()["status"] != "running")
    found: dict[str, Any] = http.get(f"/v1/runs/{identity}").json()
    return found


def begun(http: httpx.Client, engine_url: str) -> str:
    """Start the run and return its id."""
    answer = http.post("/v1/runs", json={"plan": PLAN, "target": engine_url})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def generators(worker: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the generator processes of a worker."""
    return psutil.Process(worker.pid).children(recursive=True)


def test_two_worker_processes_send_the_whole_schedule_once_and_pass(database_url: str) -> None:
    engine = TinyEngine()
    with fleet(database_url, engine) as (http, workers, engine_url):
        identity = begun(http, engine_url)
        wait_until(lambda: all(generators(each) for each in workers))
        state = ended(http, identity)
        wait_until(lambda: len(http.get("/health/detail").json()["idle_workers"]) == 2)
        for each in workers:
            each.terminate()
        codes = [each.wait(10) for each in workers]

    counts = state["report"]["counts"]
    assert state["verdict"] == "PASS", state["report"]["checks"]
    assert counts["scheduled"] == counts["sent"] == counts["ok"] == len(engine.orders) == len(engine.fills) > 300
    (check,) = (each for each in state["report"]["checks"] if each["name"] == "workers")
    assert all(f"-{each.pid}-" in check["values"]["where"] for each in workers), check
    assert codes == [0, 0]


def test_killing_one_worker_process_makes_the_run_invalid_and_names_it(database_url: str) -> None:
    with fleet(database_url, TinyEngine()) as (http, workers, engine_url):
        identity = begun(http, engine_url)
        wait_until(lambda: all(generators(each) for each in workers))
        left = generators(workers[1])
        workers[1].kill()
        state = ended(http, identity)
        _, alive = psutil.wait_procs(left, timeout=10)

    (check,) = (each for each in state["report"]["checks"] if each["name"] == "workers")
    assert state["verdict"] == "INVALID"
    assert f"-{workers[1].pid}-" in check["said"]
    assert f"-{workers[0].pid}-" not in check["said"]
    assert "was lost: not heard of" in check["said"]
    assert alive == []


def test_cancelled_run_ends_the_generators_of_its_workers(database_url: str) -> None:
    with fleet(database_url, TinyEngine()) as (http, workers, engine_url):
        identity = begun(http, engine_url)
        wait_until(lambda: all(generators(each) for each in workers))
        http.delete(f"/v1/runs/{identity}").raise_for_status()
        wait_until(lambda: not any(generators(each) for each in workers))
        wait_until(lambda: len(http.get("/health/detail").json()["idle_workers"]) == 2)
        state = ended(http, identity)

    assert state["status"] == "cancelled"
