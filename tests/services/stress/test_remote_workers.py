"""Remote workers as separate processes: their run passes with exact counts, and a killed one makes it INVALID."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
from tests.services.stress.service_process import service
from tests.services.stress.tiny_engine import TinyEngine, serving
from tests.support.waiting import wait_until

TOKEN = "a-long-token-for-workers"
OPERATOR = "a-long-token-for-the-operator"
RUN_SECONDS = 60.0
PLAN = {
    "name": "two_containers",
    "rate_per_second": 150,
    "duration_seconds": 3,
    "warm_up_seconds": 0.3,
    "timeout_seconds": 1,
    "workers": 2,
    "slos": [{"quantile": 0.95, "seconds": 6}],
}

Worker = subprocess.Popen[bytes]


@contextlib.contextmanager
def two_workers(database_url: str, engine: TinyEngine) -> Iterator[tuple[httpx.Client, list[Worker], str]]:
    """Run a stress service and two workers; yield a client, the workers and the engine's address."""
    settings = {"SEATRIAL_STRESS_UI_PORT": "0", "SEATRIAL_TOKENS": f"{TOKEN}=stress:work;{OPERATOR}=admin"}
    with serving(engine) as engine_url, service("stress", database_url, **settings) as (_, address):
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("SEATRIAL_")}
        variables = {**inherited, "SEATRIAL_STRESS_URL": address, "SEATRIAL_TOKEN": TOKEN}
        command = [sys.executable, "-m", "seatrial_stress.worker"]
        workers = [subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL) for _ in range(2)]
        headers = {"Authorization": f"Bearer {OPERATOR}"}
        try:
            with httpx.Client(base_url=address, headers=headers) as http:
                wait_for_idle_workers(http)
                yield http, workers, engine_url
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()


def wait_for_idle_workers(http: httpx.Client) -> None:
    """Wait until both workers poll for work."""
    wait_until(lambda: len(http.get("/health/detail").json()["idle_workers"]) == 2, RUN_SECONDS)


def start_run(http: httpx.Client, workers: list[Worker], engine_url: str) -> str:
    """Start the run and return its id once both workers have started a generator."""
    response = http.post("/v1/runs", json={"plan": PLAN, "target": engine_url})
    assert response.status_code == 202, response.text
    wait_until(lambda: all(generators(worker) for worker in workers))
    return str(response.json()["id"])


def wait_for_end(http: httpx.Client, identity: str) -> dict[str, Any]:
    """Wait until a run is over and return its state."""

    def state() -> dict[str, Any]:
        document: dict[str, Any] = http.get(f"/v1/runs/{identity}").json()
        return document

    wait_until(lambda: state()["status"] != "running", RUN_SECONDS, state)
    return state()


def generators(worker: Worker) -> list[psutil.Process]:
    """Return the generator processes of a worker."""
    return psutil.Process(worker.pid).children(recursive=True)


def workers_check(state: dict[str, Any]) -> dict[str, Any]:
    """Return the check `workers` of a run's report."""
    (check,) = (check for check in state["report"]["checks"] if check["name"] == "workers")
    return dict(check)


def test_two_workers_send_the_whole_schedule_once_and_pass(database_url: str) -> None:
    engine = TinyEngine()
    with two_workers(database_url, engine) as (http, workers, engine_url):
        state = wait_for_end(http, start_run(http, workers, engine_url))
        wait_for_idle_workers(http)
        for worker in workers:
            worker.terminate()
        exit_codes = [worker.wait(10) for worker in workers]

    counts = state["report"]["counts"]
    assert state["verdict"] == "PASS", state["report"]["checks"]
    assert counts["scheduled"] == counts["sent"] == counts["ok"] == len(engine.orders) == len(engine.fills) > 300
    check = workers_check(state)
    assert all(f"-{worker.pid}-" in check["values"]["where"] for worker in workers), check
    assert exit_codes == [0, 0]


def test_killed_worker_makes_the_run_invalid_and_is_named(database_url: str) -> None:
    with two_workers(database_url, TinyEngine()) as (http, workers, engine_url):
        identity = start_run(http, workers, engine_url)
        orphans = generators(workers[1])
        workers[1].kill()
        state = wait_for_end(http, identity)
        _, alive = psutil.wait_procs(orphans, timeout=RUN_SECONDS)

    check = workers_check(state)
    assert state["verdict"] == "INVALID"
    assert f"-{workers[1].pid}-" in check["said"]
    assert f"-{workers[0].pid}-" not in check["said"]
    assert "was lost: no heartbeat for 5 s" in check["said"]
    assert alive == []


def test_cancelled_run_ends_the_generators_of_its_workers(database_url: str) -> None:
    with two_workers(database_url, TinyEngine()) as (http, workers, engine_url):
        identity = start_run(http, workers, engine_url)
        http.delete(f"/v1/runs/{identity}").raise_for_status()
        wait_until(lambda: not any(generators(worker) for worker in workers))
        wait_for_idle_workers(http)
        state = wait_for_end(http, identity)

    assert state["status"] == "cancelled"
