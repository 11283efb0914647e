"""What was accepted is done once, whatever happens to the worker; what is cancelled stops."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
from tests.services.backtest.backtest_door import columns
from tests.services.backtest.backtest_process import ServiceProcess, Waiting
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system
FAST = {"SEATRIAL_BACKTEST_STALLED_SECONDS": "1"}


@pytest.fixture
def waiting(tmp_path: Path) -> Waiting:
    return Waiting(tmp_path)


@pytest.fixture
def started(database_url: str, waiting: Waiting) -> Iterator[list[ServiceProcess]]:
    services: list[ServiceProcess] = []
    yield services
    waiting.go()
    for service in services:
        service.stop()


def _was_called(waiting: Waiting, times: int) -> bool:
    return len(waiting.called()) == times


def _submit(service: ServiceProcess, number: int = 0) -> str:
    dataset = service.post("/v1/datasets", {"symbol": "TEST", "candles": columns(50)})["id"]
    job = service.post("/v1/backtests", {"dataset": dataset, "strategy": "waiting", "params": {"number": number}})
    return str(job["id"])


def test_a_killed_workers_job_finishes_elsewhere_exactly_once(
    database_url: str, waiting: Waiting, started: list[ServiceProcess]
) -> None:
    first = ServiceProcess(database_url, waiting, **FAST)
    started.append(first)
    job_id = _submit(first)
    wait_until(lambda: len(waiting.called()) == 1)

    first.kill()
    second = ServiceProcess(database_url, waiting, **FAST)
    started.append(second)
    wait_until(lambda: len(waiting.called()) == 2)
    waiting.go()
    ended = second.ended(job_id)

    assert ended["status"] == "succeeded"
    assert ended["attempts"] == 2
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM backtest.results").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM backtest.procrastinate_jobs").fetchone() == (0,)
    assert second.stop() == 0


def test_a_job_that_kills_every_worker_is_given_up_with_the_reason(
    database_url: str, waiting: Waiting, started: list[ServiceProcess]
) -> None:
    settings = {**FAST, "SEATRIAL_BACKTEST_MOST_ATTEMPTS": "2"}
    first = ServiceProcess(database_url, waiting, **settings)
    started.append(first)
    job_id = _submit(first)
    for calls, service in ((1, first), (2, None)):
        running = service or ServiceProcess(database_url, waiting, **settings)
        started.append(running)
        wait_until(partial(_was_called, waiting, calls))
        running.kill()

    last = ServiceProcess(database_url, waiting, **settings)
    started.append(last)
    ended = last.ended(job_id)

    assert ended["status"] == "failed"
    assert "died in each of 2 attempts" in ended["error"]
    assert len(waiting.called()) == 2


def test_cancelling_stops_a_running_job_and_a_waiting_one(
    database_url: str, waiting: Waiting, started: list[ServiceProcess]
) -> None:
    service = ServiceProcess(database_url, waiting, SEATRIAL_BACKTEST_WORKERS="1")
    started.append(service)
    running = _submit(service, 1)
    wait_until(lambda: len(waiting.called()) == 1)
    queued = _submit(service, 2)

    assert service.http.delete(f"/v1/backtests/{queued}").json()["status"] == "cancelled"
    assert service.http.delete(f"/v1/backtests/{running}").status_code == 200
    no_result = service.http.get(f"/v1/backtests/{queued}/result")
    waiting.go()

    assert service.ended(running)["status"] == "cancelled"
    assert no_result.status_code == 409
    assert "cancelled" in no_result.json()["detail"]
    assert len(waiting.called()) == 1
    # Started again, a cancelled job runs.
    assert _submit(service, 2) == queued
    assert service.ended(queued)["status"] == "succeeded"
    finished = service.http.delete(f"/v1/backtests/{queued}")
    assert finished.status_code == 409


def test_a_stopping_service_hands_its_job_on(
    database_url: str, waiting: Waiting, started: list[ServiceProcess]
) -> None:
    first = ServiceProcess(database_url, waiting, **FAST)
    started.append(first)
    job_id = _submit(first)
    wait_until(lambda: len(waiting.called()) == 1)
    second = ServiceProcess(database_url, waiting, **FAST)
    started.append(second)

    first.process.terminate()
    wait_until(lambda: len(waiting.called()) == 2)
    waiting.go()

    assert second.ended(job_id)["status"] == "succeeded"
    assert first.process.wait(30) == 0
