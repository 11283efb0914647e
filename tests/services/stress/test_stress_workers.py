"""One run by two generator processes: each intent leaves exactly once, and a lost process is told by its number."""

import asyncio
import contextlib
import json
import signal
from collections import Counter
from pathlib import Path

import psutil
from tests.services.stress.tiny_engine import TinyEngine, serving

from seatrial_core.contracts.stress import CheckState, Slo, StressPlan, Verdict
from seatrial_stress import runner
from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.load import processes
from seatrial_stress.load.processes import LoadSpec
from seatrial_stress.plans import schedule

TWO = StressPlan(
    name="two",
    rate_per_second=150,
    duration_seconds=3,
    warm_up_seconds=0.3,
    timeout_seconds=1,
    workers=2,
    slos=(Slo(quantile=0.95, seconds=6.0), Slo(quantile=0.99, seconds=6.0)),
)
RUN = "twoworkers01"


def _keys(folder: Path, number: int) -> list[str]:
    rows = map(json.loads, (folder / f"journal-{number}.jsonl").read_text(encoding="utf-8").splitlines())
    return [row["key"] for row in rows if row["event"] == "intent"]


def _generator(number: int) -> psutil.Process | None:
    for each in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if each.environ().get("SEATRIAL_STRESS_SPEC", "").endswith(f"spec-{number}.json"):
                return each
    return None


async def test_two_workers_send_every_scheduled_intent_exactly_once() -> None:
    seen: dict[int, list[str]] = {}
    ends: list[WorkerResult] = []

    async def watched(load: LoadSpec) -> list[WorkerResult]:
        ends.extend(await processes.drive(load))
        seen.update({number: _keys(load.folder, number) for number in (0, 1)})
        return ends

    engine = TinyEngine()
    with serving(engine) as address:
        report = await runner.run(TWO, address, identity=RUN, drive=watched)

    planned = [each.key for each in schedule.arrivals(TWO, RUN)]
    assert report.verdict is Verdict.PASS, str(report.checks)
    (check,) = (each for each in report.checks if each.name == "workers")
    assert check.values["where"] == "processes of the stress service"
    assert Counter(seen[0] + seen[1]) == Counter(planned)
    assert abs(len(seen[0]) - len(seen[1])) <= 1
    assert [sum(counts) for counts in zip(*(each.histogram_counts for each in ends), strict=True)] == [len(planned)] * 3
    assert report.counts["scheduled"] == report.counts["sent"] == report.counts["ok"] == len(planned)
    assert set(engine.orders) == set(planned)


async def test_killing_one_of_two_workers_is_invalid_and_names_it() -> None:
    with serving(TinyEngine()) as address:
        running = asyncio.create_task(runner.run(TWO, address))
        async with asyncio.timeout(10):
            while (victim := _generator(1)) is None:
                await asyncio.sleep(0.02)
        victim.send_signal(signal.SIGKILL)
        report = await running

    (check,) = (each for each in report.checks if each.name == "workers")
    assert report.verdict is Verdict.INVALID
    assert check.state is CheckState.INVALID
    assert "worker 1 ended with code -9" in check.said
    assert "worker 0" not in check.said
