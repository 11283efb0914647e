"""Remote workers: which are idle, what each is assigned, and what they hand in."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import Conflict
from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.load.processes import START_SECONDS
from seatrial_stress.load.results import read_result, schedule_mismatch
from seatrial_stress.load.spec import LoadSpec
from seatrial_stress.load.worker_protocol import JournalPart, WorkerAssignment, WorkerSummary
from seatrial_stress.plans import schedule

IDLE_SECONDS = 3.0
LOST_SECONDS = 5.0
POLL_SECONDS = 0.1
HAND_IN_SECONDS = 15.0
MAX_IDLE = 100
# An attempt has two lines, and the random schedule may be longer than expected.
LINES_PER_REQUEST = 4
MIN_LINES = 20_000


@dataclass
class WorkerSlot:
    """One worker's part of the current run."""

    worker: str
    assignment: WorkerAssignment
    load: LoadSpec
    last_seen_at: float
    is_assigned: bool = False
    parts: int = 0
    lines: int = 0
    summary: WorkerSummary | None = None
    is_lost: bool = False


class WorkerPool:
    """The remote workers that poll the service for work.

    Args:
        clock: The source of time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._polled_at: dict[str, float] = {}
        self._slots: dict[str, WorkerSlot] = {}

    def idle(self) -> list[str]:
        """Return the names of workers that polled within the last three seconds and have no part in a run."""
        since = self._clock.monotonic() - IDLE_SECONDS
        self._polled_at = {worker: at for worker, at in self._polled_at.items() if at >= since}
        return sorted(self._polled_at.keys() - self._slots.keys())

    def poll(self, worker: str) -> WorkerAssignment | None:
        """Register a worker as idle and return its assignment, if there is one; each is given once.

        Raises:
            Conflict: Too many workers are idle already.
        """
        now = self._clock.monotonic()
        slot = self._slots.get(worker)
        if slot is None:
            if worker not in self._polled_at and len(self.idle()) >= MAX_IDLE:
                raise Conflict(f"{MAX_IDLE} workers are idle already, so worker {worker} is not needed")
            self._polled_at[worker] = now
            return None
        if slot.is_assigned:  # a worker that polls again has lost its assignment and what it sent
            return None
        slot.is_assigned, slot.last_seen_at = True, now
        return slot.assignment

    def heartbeat(self, worker: str, run: str) -> bool:
        """Record that a worker is alive; return False if its run is over."""
        with contextlib.suppress(Conflict):
            self._slot(worker, run).last_seen_at = self._clock.monotonic()
            return True
        return False

    def append_journal(self, worker: str, part: JournalPart) -> None:
        """Append a part of a worker's journal; a repeated part is ignored.

        Raises:
            Conflict: A part is missing before this one, the worker has no part in the run, or the journal is longer
                than the plan allows.
        """
        slot = self._slot(worker, part.run)
        slot.last_seen_at = self._clock.monotonic()
        if part.part < slot.parts:
            return
        if part.part > slot.parts:
            raise Conflict(f"part {part.part} of worker {worker} came before part {slot.parts}")
        most = max(MIN_LINES, LINES_PER_REQUEST * schedule.expected_requests(slot.load.plan))
        if slot.lines + len(part.lines) > most:
            raise Conflict(f"the journal of worker {worker} has more than the {most:,.0f} lines that its plan allows")
        with slot.load.journal(slot.assignment.number).open("a", encoding="utf-8") as journal:
            journal.writelines(f"{line}\n" for line in part.lines)
        slot.parts += 1
        slot.lines += len(part.lines)

    def finish(self, worker: str, summary: WorkerSummary) -> None:
        """Store a worker's summary; its part is complete.

        Raises:
            Conflict: The worker has no part in the run.
        """
        slot = self._slot(worker, summary.run)
        if summary.summary is not None:
            file = slot.load.summary(slot.assignment.number)
            file.write_text(json.dumps(summary.summary), encoding="utf-8")
        slot.summary = summary

    async def run_load(self, load: LoadSpec) -> list[WorkerResult]:
        """Run a load on as many idle workers as the plan names; a lost one makes the run INVALID."""
        plan = load.plan
        limit = START_SECONDS + plan.duration_seconds + 2 * plan.timeout_seconds + HAND_IN_SECONDS
        with self._assign(load) as slots:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit):
                    while any(slot.summary is None and not slot.is_lost for slot in slots):
                        await asyncio.sleep(POLL_SECONDS)
                        self._mark_lost(slots)
            return [await asyncio.to_thread(_result, slot) for slot in slots]

    def _mark_lost(self, slots: list[WorkerSlot]) -> None:
        now = self._clock.monotonic()
        for slot in slots:
            if slot.summary is None and now - slot.last_seen_at > LOST_SECONDS:
                slot.is_lost = True

    @contextlib.contextmanager
    def _assign(self, load: LoadSpec) -> Iterator[list[WorkerSlot]]:
        now = self._clock.monotonic()
        for number, worker in enumerate(self.idle()[: load.plan.workers]):
            assignment = WorkerAssignment(
                run=load.run, number=number, plan=load.plan, target=load.target, with_token=bool(load.token)
            )
            self._slots[worker] = WorkerSlot(worker, assignment, load, now)
        try:
            yield list(self._slots.values())
        finally:
            self._slots.clear()

    def _slot(self, worker: str, run: str) -> WorkerSlot:
        slot = self._slots.get(worker)
        if slot is None or slot.is_lost or slot.assignment.run != run:
            raise Conflict(f"worker {worker} has no part in run {run}, or the run is over")
        return slot


def _result(slot: WorkerSlot) -> WorkerResult:
    number = slot.assignment.number
    if slot.summary is None:
        problem = f"worker {number} ({slot.worker}) was lost: no heartbeat for {LOST_SECONDS:g} s"
        return WorkerResult(number, None, problems=(problem,), where=slot.worker)
    result = replace(read_result(slot.load, number, slot.summary.exit_code), where=slot.worker)
    mismatch = schedule_mismatch(slot.load, number)
    return replace(result, problems=(*result.problems, mismatch)) if mismatch else result
