"""One run from plan to report; the same code for the service, the command line and the SDK."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from uuid import uuid4

from seatrial_core.clock import SystemClock
from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.stress import StressPlan, StressReport
from seatrial_stress.checks import journal, verdict
from seatrial_stress.checks.engine_records import EngineRecords
from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.checks.memory_growth import MemorySample
from seatrial_stress.checks.run_checks import RunEvidence, latencies, run_checks
from seatrial_stress.engine_client import read_records
from seatrial_stress.load import processes
from seatrial_stress.load.memory_sampler import sample_memory
from seatrial_stress.load.spec import LoadSpec, run_folder
from seatrial_stress.load.tls import SYSTEM_TLS, TlsOptions
from seatrial_stress.plans import schedule

FLUSH_SECONDS = 0.3

RunLoad = Callable[[LoadSpec], Awaitable[list[WorkerResult]]]


def new_id() -> str:
    """Return a run's id, the prefix of each of its client order ids."""
    return uuid4().hex[:12]


async def run(
    plan: StressPlan,
    target: str,
    token: str = "",
    identity: str | None = None,
    run_load: RunLoad = processes.run_load,
    tls: TlsOptions = SYSTEM_TLS,
) -> StressReport:
    """Run a plan against an engine and return the report.

    Args:
        plan: What to send and which limits apply.
        target: The engine's origin; the caller checks that load may be sent there.
        token: Its bearer token, empty for none.
        identity: The run's id; a new one by default.
        run_load: Sends the load; generator processes on this machine by default.
        tls: How the certificate of an https:// target is verified.
    """
    identity = identity or new_id()
    clock = SystemClock()
    with run_folder(identity) as folder:
        load = LoadSpec(plan, target, token, folder, identity, tls)
        started_at = clock.now()
        samples: list[MemorySample] = []
        sampling = asyncio.create_task(sample_memory(target, clock, samples))
        try:
            workers = await run_load(load)
        finally:
            sampling.cancel()
            await asyncio.wait({sampling})
        return await _report(load, started_at, workers, samples, clock)


async def _report(
    load: LoadSpec, started_at: datetime, workers: list[WorkerResult], samples: list[MemorySample], clock: Clock
) -> StressReport:
    # Orders that were answered last may still be on their way into the engine's records.
    await asyncio.sleep(FLUSH_SECONDS)
    records = await read_records(load.target, load.token, started_at, load.tls)
    finished_at = clock.now()
    # Checks of a long run take seconds; the service goes on answering meanwhile.
    return await asyncio.to_thread(_check, load, (started_at, finished_at), workers, samples, records)


def _check(
    load: LoadSpec,
    times: tuple[datetime, datetime],
    workers: list[WorkerResult],
    samples: list[MemorySample],
    records: EngineRecords,
) -> StressReport:
    scheduled, repeats = schedule.count(load.plan, load.run)
    run_journal = journal.read(_journal_lines(load))
    evidence = RunEvidence(
        run=load.run,
        scheduled=scheduled,
        repeats=repeats,
        journal=run_journal,
        workers=tuple(workers),
        records=records,
        memory=tuple(samples),
    )
    checks = run_checks(load.plan, evidence)
    run_verdict = verdict.of(checks)
    return StressReport(
        run=load.run,
        verdict=run_verdict,
        exit_code=verdict.EXIT_CODES[run_verdict],
        plan=load.plan,
        target=load.target,
        started_at=times[0],
        finished_at=times[1],
        counts={"scheduled": scheduled, **journal.counts(run_journal.attempts)},
        checks=tuple(checks),
        **latencies(run_journal.attempts),
    )


def _journal_lines(load: LoadSpec) -> Iterator[str]:
    for number in range(load.plan.workers):
        if load.journal(number).exists():
            with load.journal(number).open(encoding="utf-8", errors="replace") as lines:
                yield from lines
