"""One run from plan to report, in a folder of its own; the same code for the service, the command and the SDK."""

import asyncio
import contextlib
import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from seatrial_core.clock import SystemClock
from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.stress import StressPlan, StressReport
from seatrial_stress.checks import engine_records, journal, run_checks, verdict
from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.checks.memory_growth import MemorySample
from seatrial_stress.checks.run_checks import RunEvidence
from seatrial_stress.load import memory_sampler, processes
from seatrial_stress.load.processes import LoadSpec
from seatrial_stress.plans import schedule

SETTLE_SECONDS = 0.3

Drive = Callable[[LoadSpec], Awaitable[list[WorkerResult]]]


def new_id() -> str:
    """Return a run's id, which begins the key of each of its orders."""
    return uuid4().hex[:12]


async def run(
    plan: StressPlan, target: str, token: str = "", identity: str | None = None, drive: Drive = processes.drive
) -> StressReport:
    """Run a plan against an engine and return the report.

    Args:
        plan: What to send and what must hold.
        target: The engine's origin; whether load may go there is for the caller to say.
        token: Its bearer token, empty for none.
        identity: The run's id; a new one by default.
        drive: Sends the load; processes of the run's own by default.
    """
    identity = identity or new_id()
    clock = SystemClock()
    with folder_of(identity) as folder:
        load = prepare(plan, target, token, folder, identity)
        started_at = clock.now()
        samples: list[MemorySample] = []
        watching = asyncio.create_task(memory_sampler.watch(target, clock, samples))
        try:
            workers = await drive(load)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
        return await conclude(load, identity, started_at, workers, samples)


@contextlib.contextmanager
def folder_of(identity: str) -> Iterator[Path]:
    """Make a run's folder and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"seatrial-stress-{identity}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepare(plan: StressPlan, target: str, token: str, folder: Path, identity: str) -> LoadSpec:
    """Write the schedule of a run and return what its processes need."""
    path = folder / "schedule.jsonl"
    with path.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(each.row()) + "\n" for each in schedule.arrivals(plan, identity))
    return LoadSpec(plan, target, token, folder, path, identity)


async def conclude(
    load: LoadSpec, identity: str, started_at: datetime, workers: list[WorkerResult], samples: list[MemorySample]
) -> StressReport:
    """Read journal and books of a run that is over, and judge it."""
    clock: Clock = SystemClock()
    await asyncio.sleep(SETTLE_SECONDS)
    books = await engine_records.read(load.target, load.token, started_at)
    rows = [json.loads(line) for line in load.schedule.read_text(encoding="utf-8").splitlines()]
    read = journal.read(_lines(load.folder))
    observed = RunEvidence(
        run=identity,
        scheduled=len(rows),
        repeats=sum(row["repeats"] - 1 for row in rows),
        journal=read,
        workers=tuple(workers),
        evidence=books,
        memory=tuple(samples),
    )
    checks = run_checks.checks(load.plan, observed)
    found = verdict.of(checks)
    return StressReport(
        run=identity,
        verdict=found,
        exit_code=verdict.EXIT_CODES[found],
        plan=load.plan,
        target=load.target,
        started_at=started_at,
        finished_at=clock.now(),
        counts={"scheduled": len(rows), **journal.counts(read.attempts)},
        checks=tuple(checks),
        **run_checks.figures(read.attempts),
    )


def _lines(folder: Path) -> list[str]:
    files = sorted(folder.glob("journal-*.jsonl"))
    return [line for file in files for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
