"""A worker gets its part once, hands each piece in once, and what it sent is compared with its part."""

import asyncio
import json
from pathlib import Path

import pytest

from seatrial_core.clock import SystemClock
from seatrial_core.contracts.stress import Slo, StressPlan
from seatrial_core.errors import Conflict
from seatrial_stress import runner
from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.load.fleet import JournalPart, WorkerAssignment, WorkerPool, WorkerSummary

PLAN = StressPlan(
    name="seats", rate_per_second=20, duration_seconds=2, warm_up_seconds=0, slos=(Slo(quantile=0.9, seconds=1),)
)
WORD = {"journalled": 1, "histogram_counts": [1], "problems": [], "cpu_percent": [1.0], "clock_step_seconds": 0.0}


async def seated(folder: Path) -> tuple[WorkerPool, WorkerAssignment, "asyncio.Task[list[WorkerResult]]", list[str]]:
    """Seat the worker `a` and return its fleet, its part, the drive and the lines it should hand in."""
    fleet = WorkerPool(SystemClock())
    assert fleet.ask("a") is None
    load = runner.prepare(PLAN, "http://127.0.0.1:1", "", folder, "seatsrun")
    driving = asyncio.create_task(fleet.drive(load))
    await asyncio.sleep(0)
    job = fleet.ask("a")
    assert job is not None
    rows = map(json.loads, load.schedule.read_text(encoding="utf-8").splitlines())
    return fleet, job, driving, [json.dumps({"event": "intent", "key": row["key"], "number": 0}) for row in rows]


async def test_worker_that_handed_in_exactly_its_part_has_no_problem(tmp_path: Path) -> None:
    fleet, job, driving, lines = await seated(tmp_path)

    assert fleet.ask("a") is None  # a part is given once
    assert fleet.idle() == []
    for part in (0, 0):  # the same part again changes nothing
        fleet.keep("a", JournalPart(run=job.run, part=part, lines=lines))
    fleet.finish("a", WorkerSummary(run=job.run, exit_code=0, word=WORD))

    (end,) = await driving
    assert (end.finished, end.problems) == (True, ())
    assert len((tmp_path / "journal-0.jsonl").read_text(encoding="utf-8").splitlines()) == len(lines)


@pytest.mark.parametrize("change", ["one missing", "one twice"])
async def test_worker_that_sent_something_else_than_its_part_is_told_by_name(tmp_path: Path, change: str) -> None:
    fleet, job, driving, lines = await seated(tmp_path)

    sent = lines[1:] if change == "one missing" else [lines[0], *lines]
    fleet.keep("a", JournalPart(run=job.run, part=0, lines=sent))
    fleet.finish("a", WorkerSummary(run=job.run, exit_code=0, word=WORD))

    (end,) = await driving
    assert end.problems == (f"worker 0 sent {len(sent)} requests that are not exactly the {len(lines)} of its part",)


async def test_stranger_and_gap_are_refused_and_an_ended_run_says_stop(tmp_path: Path) -> None:
    fleet, job, driving, lines = await seated(tmp_path)

    with pytest.raises(Conflict, match="worker b has no part"):
        fleet.keep("b", JournalPart(run=job.run, part=0, lines=lines))
    with pytest.raises(Conflict, match="part 1 of worker a came before part 0"):
        fleet.keep("a", JournalPart(run=job.run, part=1, lines=lines))
    assert fleet.beat("a", job.run)
    driving.cancel()
    await asyncio.wait({driving})

    assert not fleet.beat("a", job.run)
