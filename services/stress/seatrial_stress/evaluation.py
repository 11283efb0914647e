"""Evaluates a run in a separate process: what a million requests left takes seconds to read and compare."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from seatrial_core.clock import SystemClock
from seatrial_core.contracts.stress import StressReport
from seatrial_core.errors import SeatrialError
from seatrial_service.parsing.parser_limits import ParserLimits, TooCostlyToRead
from seatrial_service.parsing.process import ParserProcess
from seatrial_stress.checks import journal, verdict
from seatrial_stress.checks.engine_records import EngineRecords
from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.checks.memory_growth import MemorySample
from seatrial_stress.checks.run_checks import RunEvidence, latencies, run_checks
from seatrial_stress.engine_client import read_records
from seatrial_stress.load.spec import LoadSpec
from seatrial_stress.plans import schedule

LIMITS = ParserLimits(memory_bytes=4 << 30, seconds=900.0, queue=0, spool_bytes=0)
PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"})
INTERRUPT_SECONDS = 0.1


class CostlyEvaluation(SeatrialError):
    """The run is too large to be evaluated."""

    code = "costly_evaluation"


@dataclass(frozen=True)
class FinishedLoad:
    """The load of a run after its end: when it started, how its workers ended, and the engine's memory meanwhile."""

    spec: LoadSpec
    started_at: datetime
    workers: Sequence[WorkerResult]
    memory: Sequence[MemorySample]


async def evaluate(load: FinishedLoad) -> StressReport:
    """Return the report of a run.

    Raises:
        CostlyEvaluation: It takes too much memory or time.
    """
    process = ParserProcess(LIMITS, [__name__])
    work = asyncio.ensure_future(asyncio.to_thread(_call, process, load))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        while not work.done():  # it may be about to start
            process.interrupt()
            await asyncio.wait({work}, timeout=INTERRUPT_SECONDS)
        raise
    except TooCostlyToRead as error:
        limits = f"{LIMITS.memory_bytes >> 20} MiB of memory or {LIMITS.seconds:g} s"
        raise CostlyEvaluation(f"evaluating the run takes more than {limits}; send fewer requests in a run") from error
    finally:
        process.stop()


def report(_: BinaryIO, load: FinishedLoad, proxies: Mapping[str, str]) -> StressReport:
    """Return the report of a run; called in the process, which has no other variables of the caller.

    Args:
        load: The load after its end.
        proxies: The variables that name proxies, for reading the engine's records.
    """
    os.environ.update(proxies)
    spec = load.spec
    records = asyncio.run(read_records(spec.target, spec.token, load.started_at, spec.tls))
    return _check(load, records, SystemClock().now())


def _call(process: ParserProcess, load: FinishedLoad) -> StressReport:
    proxies = {name: value for name, value in os.environ.items() if name.upper() in PROXIES}
    with Path(os.devnull).open("rb") as nothing:
        result: StressReport = process.call(report, nothing.fileno(), (load, proxies))
    return result


def _check(load: FinishedLoad, records: EngineRecords, finished_at: datetime) -> StressReport:
    spec = load.spec
    scheduled, repeats = schedule.count(spec.plan, spec.run)
    run_journal = journal.read(_journal_lines(spec))
    evidence = RunEvidence(
        run=spec.run,
        scheduled=scheduled,
        repeats=repeats,
        journal=run_journal,
        workers=tuple(load.workers),
        records=records,
        memory=tuple(load.memory),
    )
    checks = run_checks(spec.plan, evidence)
    run_verdict = verdict.of(checks)
    return StressReport(
        run=spec.run,
        verdict=run_verdict,
        exit_code=verdict.EXIT_CODES[run_verdict],
        plan=spec.plan,
        target=spec.target,
        started_at=load.started_at,
        finished_at=finished_at,
        counts={"scheduled": scheduled, **journal.counts(run_journal.attempts)},
        checks=tuple(checks),
        **latencies(run_journal.attempts),
    )


def _journal_lines(spec: LoadSpec) -> Iterator[str]:
    for number in range(spec.plan.workers):
        if spec.journal(number).exists():
            with spec.journal(number).open(encoding="utf-8", errors="replace") as lines:
                yield from lines
