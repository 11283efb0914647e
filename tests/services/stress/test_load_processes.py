"""One run by two generator processes: each intent is sent exactly once, and a killed process is named."""

import asyncio
import contextlib
import json
import signal
from collections import Counter
from pathlib import Path

import psutil
from tests.services.stress.tiny_engine import TinyEngine, serving
from tests.support.waiting import wait_until_async

from seatrial_core.contracts.stress import CheckState, Slo, StressPlan, Verdict
from seatrial_stress import runner
from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.load import processes
from seatrial_stress.load.spec import LoadSpec
from seatrial_stress.plans import schedule

PLAN = StressPlan(
    name="two",
    rate_per_second=150,
    duration_seconds=3,
    warm_up_seconds=0.3,
    timeout_seconds=1,
    workers=2,
    slos=(Slo(quantile=0.95, seconds=6.0), Slo(quantile=0.99, seconds=6.0)),
)
RUN = "twoworkers01"


def sent_keys(journal: Path) -> list[str]:
    rows = map(json.loads, journal.read_text(encoding="utf-8").splitlines())
    return [row["key"] for row in rows if row["event"] == "intent"]


def generator(number: int) -> psutil.Process | None:
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if child.environ().get("SEATRIAL_STRESS_SPEC", "").endswith(f"spec-{number}.json"):
                return child
    return None


async def test_two_workers_send_every_scheduled_intent_exactly_once() -> None:
    keys: dict[int, list[str]] = {}
    results: list[WorkerResult] = []

    async def run_and_read(load: LoadSpec) -> list[WorkerResult]:
        results.extend(await processes.run_load(load))
        keys.update({number: sent_keys(load.journal(number)) for number in (0, 1)})
        return results

    engine = TinyEngine()
    with serving(engine) as address:
        report = await runner.run(PLAN, address, identity=RUN, run_load=run_and_read)

    planned = [arrival.key for arrival in schedule.arrivals(PLAN, RUN)]
    histogram_counts = [sum(counts) for counts in zip(*(result.histogram_counts for result in results), strict=True)]
    assert report.verdict is Verdict.PASS, str(report.checks)
    (check,) = (check for check in report.checks if check.name == "workers")
    assert check.values["where"] == "processes of the stress service"
    assert Counter(keys[0] + keys[1]) == Counter(planned)
    assert abs(len(keys[0]) - len(keys[1])) <= 1
    assert histogram_counts == [len(planned)] * 3
    assert report.counts["scheduled"] == report.counts["sent"] == report.counts["ok"] == len(planned)
    assert set(engine.orders) == set(planned)


async def test_killed_worker_makes_the_run_invalid_and_is_named() -> None:
    with serving(TinyEngine()) as address:
        running = asyncio.create_task(runner.run(PLAN, address))
        await wait_until_async(lambda: generator(1))
        victim = generator(1)
        assert victim is not None
        victim.send_signal(signal.SIGKILL)
        report = await running

    (check,) = (check for check in report.checks if check.name == "workers")
    assert report.verdict is Verdict.INVALID
    assert check.state is CheckState.INVALID
    assert "worker 1 exited with code -9" in check.said
    assert "worker 0" not in check.said
