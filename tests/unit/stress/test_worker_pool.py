"""The worker pool: each part is assigned once, each journal part stored once, and the journal matches the schedule."""

import asyncio
import json
from pathlib import Path

import pytest

from seatrial_core.clock import ManualClock, SystemClock
from seatrial_core.contracts.stress import Slo, StressPlan
from seatrial_core.errors import Conflict
from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.load.spec import LoadSpec
from seatrial_stress.load.worker_pool import LOST_SECONDS, POLL_SECONDS, WorkerPool
from seatrial_stress.load.worker_protocol import JournalPart, WorkerAssignment, WorkerSummary
from seatrial_stress.plans import schedule

PLAN = StressPlan(
    name="slots", rate_per_second=20, duration_seconds=2, warm_up_seconds=0, slos=(Slo(quantile=0.9, seconds=1),)
)
SUMMARY = {"journalled": 1, "histogram_counts": [1], "problems": [], "cpu_percent": [1.0], "clock_step_seconds": 0.0}


async def assigned(folder: Path) -> tuple[WorkerPool, WorkerAssignment, "asyncio.Task[list[WorkerResult]]", list[str]]:
    """Start a run with the worker `a`; return the pool, the assignment, the run and the worker's journal lines."""
    pool = WorkerPool(SystemClock())
    assert pool.poll("a") is None
    load = LoadSpec(PLAN, "http://127.0.0.1:1", "", folder, "slotsrun")
    running = asyncio.create_task(pool.run_load(load))
    await asyncio.sleep(0)
    assignment = pool.poll("a")
    assert assignment is not None
    keys = [arrival.key for arrival in schedule.arrivals(PLAN, "slotsrun")]
    lines = [json.dumps({"event": "intent", "key": key, "number": 0}) for key in keys]
    return pool, assignment, running, lines


async def test_worker_that_sends_exactly_its_part_has_no_problem(tmp_path: Path) -> None:
    pool, assignment, running, lines = await assigned(tmp_path)

    assert pool.poll("a") is None  # assigned once
    assert pool.idle() == []
    for part in (0, 0):  # a repeated part is ignored
        pool.append_journal("a", JournalPart(run=assignment.run, part=part, lines=lines))
    pool.finish("a", WorkerSummary(run=assignment.run, exit_code=0, summary=SUMMARY))

    (result,) = await running
    assert (result.finished, result.problems) == (True, ())
    assert len((tmp_path / "journal-0.jsonl").read_text(encoding="utf-8").splitlines()) == len(lines)


@pytest.mark.parametrize("change", ["one missing", "one twice"])
async def test_worker_that_does_not_send_exactly_its_part_is_named(tmp_path: Path, change: str) -> None:
    pool, assignment, running, lines = await assigned(tmp_path)

    sent = lines[1:] if change == "one missing" else [lines[0], *lines]
    pool.append_journal("a", JournalPart(run=assignment.run, part=0, lines=sent))
    pool.finish("a", WorkerSummary(run=assignment.run, exit_code=0, summary=SUMMARY))

    (result,) = await running
    assert result.problems == (
        f"worker 0 sent {len(sent)} requests, which are not exactly the {len(lines)} of its part",
    )


async def test_unknown_worker_and_missing_part_are_refused_and_a_finished_run_stops_the_worker(tmp_path: Path) -> None:
    pool, assignment, running, lines = await assigned(tmp_path)

    with pytest.raises(Conflict, match="worker b has no part"):
        pool.append_journal("b", JournalPart(run=assignment.run, part=0, lines=lines))
    with pytest.raises(Conflict, match="part 1 of worker a came before part 0"):
        pool.append_journal("a", JournalPart(run=assignment.run, part=1, lines=lines))
    assert pool.heartbeat("a", assignment.run)
    running.cancel()
    await asyncio.wait({running})

    assert not pool.heartbeat("a", assignment.run)


async def test_a_lost_worker_is_refused_and_the_others_finish(tmp_path: Path) -> None:
    clock = ManualClock(SystemClock().now())
    pool = WorkerPool(clock)
    assert (pool.poll("a"), pool.poll("b")) == (None, None)
    load = LoadSpec(PLAN.model_copy(update={"workers": 2}), "http://127.0.0.1:1", "", tmp_path, "lostrun")
    running = asyncio.create_task(pool.run_load(load))
    await asyncio.sleep(0)
    assert pool.poll("a") is not None

    clock.advance(LOST_SECONDS - 1.0)
    assert pool.heartbeat("a", load.run)
    clock.advance(1.5)
    await asyncio.sleep(1.5 * POLL_SECONDS)

    assert not pool.heartbeat("b", load.run)
    with pytest.raises(Conflict, match="worker b has no part"):
        pool.append_journal("b", JournalPart(run=load.run, part=0, lines=[]))
    pool.finish("a", WorkerSummary(run=load.run, exit_code=0, summary=SUMMARY))
    first, second = await running
    assert first.where == "a"
    assert second.problems == ("worker 1 (b) was lost: no heartbeat for 5 s",)


def test_summary_keeps_its_json_name() -> None:
    document = WorkerSummary(run="r", exit_code=0, summary=SUMMARY).model_dump(mode="json", by_alias=True)

    assert document == {"run": "r", "exit_code": 0, "word": SUMMARY}
    assert WorkerSummary.model_validate(document).summary == SUMMARY
