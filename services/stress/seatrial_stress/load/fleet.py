"""Generators in containers of their own: who is there, what each is to send, and what came back of it."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.stress import StressPlan
from seatrial_core.errors import Conflict
from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.load import processes
from seatrial_stress.load.processes import LoadSpec

IDLE_SECONDS = 3.0
LOST_SECONDS = 5.0
POLL_SECONDS = 0.1
MAX_LINES = 1_000


class WorkerAssignment(BaseModel):
    """What one worker is to send: its part of a schedule that plan and run id determine."""

    model_config = ConfigDict(frozen=True)

    run: str
    number: int
    plan: StressPlan
    target: str
    with_token: bool


class JournalPart(BaseModel):
    """Some lines of a worker's journal; parts are counted from 0, so that one sent twice is kept once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    part: Annotated[int, Field(ge=0)]
    lines: Annotated[list[str], Field(max_length=MAX_LINES)]


class WorkerSummary(BaseModel):
    """A worker's last word: its generator's exit code and what the generator left."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    exit_code: int | None
    word: dict[str, Any] | None  # Any: JSON


@dataclass
class WorkerSlot:
    """One worker's place in the run under way."""

    worker: str
    assignment: WorkerAssignment
    folder: Path
    heard_at: float
    taken: bool = False
    parts: int = 0
    end: WorkerSummary | None = None
    lost: bool = False


class WorkerPool:
    """The workers that ask for work.

    Args:
        clock: The source of time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked_at: dict[str, float] = {}
        self._seats: dict[str, WorkerSlot] = {}

    def idle(self) -> list[str]:
        """Return the workers that asked for work just now and have none, by name."""
        since = self._clock.monotonic() - IDLE_SECONDS
        self._asked_at = {name: at for name, at in self._asked_at.items() if at >= since}
        return sorted(self._asked_at.keys() - self._seats.keys())

    def ask(self, worker: str) -> WorkerAssignment | None:
        """Note that a worker is there; return what it is to do, if anything."""
        now = self._clock.monotonic()
        seat = self._seats.get(worker)
        if seat is None:
            self._asked_at[worker] = now
            return None
        if seat.taken:  # given once: whoever asks again has forgotten what it sent
            return None
        seat.taken, seat.heard_at = True, now
        return seat.assignment

    def beat(self, worker: str, run: str) -> bool:
        """Note that a worker is alive; False when its run is no more."""
        with contextlib.suppress(Conflict):
            self._seat(worker, run).heard_at = self._clock.monotonic()
            return True
        return False

    def keep(self, worker: str, part: JournalPart) -> None:
        """Write down a part of a worker's journal."""
        seat = self._seat(worker, part.run)
        seat.heard_at = self._clock.monotonic()
        if part.part < seat.parts:
            return
        if part.part > seat.parts:
            raise Conflict(f"part {part.part} of worker {worker} came before part {seat.parts}")
        file = seat.folder / f"journal-{seat.assignment.number}.jsonl"
        with file.open("a", encoding="utf-8") as journal:
            journal.writelines(f"{line}\n" for line in part.lines)
        seat.parts += 1

    def finish(self, worker: str, end: WorkerSummary) -> None:
        """Take a worker's last word."""
        seat = self._seat(worker, end.run)
        if end.word is not None:
            file = seat.folder / f"done-{seat.assignment.number}.json"
            file.write_text(json.dumps(end.word), encoding="utf-8")
        seat.end = end

    async def drive(self, load: LoadSpec) -> list[WorkerResult]:
        """Have as many idle workers as the plan names send a run's load; a lost one makes the run INVALID."""
        with self._seated(load) as seats:
            plan = load.plan
            limit = processes.START_SECONDS + plan.duration_seconds + 2 * plan.timeout_seconds + 15
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit):
                    while any(seat.end is None and not seat.lost for seat in seats):
                        await asyncio.sleep(POLL_SECONDS)
                        self._miss(seats)
            return [_ended(load, seat) for seat in seats]

    def _miss(self, seats: list[WorkerSlot]) -> None:
        now = self._clock.monotonic()
        for seat in seats:
            seat.lost = seat.lost or (seat.end is None and now - seat.heard_at > LOST_SECONDS)

    @contextlib.contextmanager
    def _seated(self, load: LoadSpec) -> Iterator[list[WorkerSlot]]:
        now = self._clock.monotonic()
        for number, worker in enumerate(self.idle()[: load.plan.workers]):
            job = WorkerAssignment(
                run=load.run, number=number, plan=load.plan, target=load.target, with_token=bool(load.token)
            )
            self._seats[worker] = WorkerSlot(worker, job, load.folder, now)
        try:
            yield list(self._seats.values())
        finally:
            self._seats.clear()

    def _seat(self, worker: str, run: str) -> WorkerSlot:
        seat = self._seats.get(worker)
        if seat is None or seat.lost or seat.assignment.run != run:
            raise Conflict(f"worker {worker} has no part in a run {run} that is under way")
        return seat


def _ended(load: LoadSpec, seat: WorkerSlot) -> WorkerResult:
    number = seat.assignment.number
    if seat.end is None:
        said = f"worker {number} ({seat.worker}) was lost: not heard of for {LOST_SECONDS:g} s"
        return WorkerResult(number, None, problems=(said,), where=seat.worker)
    found = replace(processes.ended(load.folder, number, seat.end.exit_code), where=seat.worker)
    wrong = _not_its_part(load, number)
    return replace(found, problems=(*found.problems, wrong)) if wrong else found


def _not_its_part(load: LoadSpec, number: int) -> str:
    """Say how what a worker sent differs from its part of the schedule; empty when each intent left exactly once."""
    rows = [json.loads(line) for line in load.schedule.read_text(encoding="utf-8").splitlines()]
    planned = sorted((row["key"], at) for row in rows[number :: load.plan.workers] for at in range(row["repeats"]))
    try:
        lines = (load.folder / f"journal-{number}.jsonl").read_text(encoding="utf-8").splitlines()
        told = [json.loads(line) for line in lines]
        sent = sorted((row["key"], row["number"]) for row in told if row["event"] == "intent")
    except (OSError, ValueError, KeyError) as error:
        return f"the journal of worker {number} cannot be read ({type(error).__name__})"
    if sent == planned:
        return ""
    return f"worker {number} sent {len(sent)} requests that are not exactly the {len(planned)} of its part"
