"""Whether the load generator did what the plan says; when not, its figures say nothing about the engine."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial_core.contracts.stress import CheckState, StressCheck, StressPlan

MAX_LAG_SECONDS = 0.005
LAG_SHARE_OF_SLO = 0.1
MAX_CPU_PERCENT = 80.0
MAX_CLOCK_STEP_SECONDS = 0.5
MIN_ACHIEVED = 0.995


@dataclass(frozen=True)
class WorkerResult:
    """How one generator process ended; `finished` is False when it left no last word.

    `where` names the container of a worker that asked for work; empty for a process of the stress service itself.
    """

    number: int
    exit_code: int | None
    finished: bool = False
    journalled: int = 0
    histogram_counts: tuple[int, ...] = ()
    problems: tuple[str, ...] = ()
    cpu_percent: tuple[float, ...] = ()
    clock_step_seconds: float = 0.0
    where: str = ""


@dataclass(frozen=True)
class SendingRecord:
    """What was to be sent and what was, by the journal."""

    scheduled: int
    sent: int
    lags: tuple[float, ...]
    journal_problems: tuple[str, ...] = ()


def judge(plan: StressPlan, sending: SendingRecord, workers: Sequence[WorkerResult]) -> list[StressCheck]:
    """Return the checks of the generator; each that is not PASS makes the run INVALID.

    Args:
        plan: What was asked for.
        sending: What the journal says.
        workers: How each process ended.
    """
    return [
        _workers(plan, workers),
        _sent(sending),
        _lag(plan, sending.lags),
        _journal(sending, workers),
        _cpu(workers),
        _clock(workers),
    ]


def _check(name: str, good: bool, said: str, **values: float | int | str | None) -> StressCheck:
    state = CheckState.PASS if good else CheckState.INVALID
    return StressCheck(name=name, kind="generator", state=state, said=said, values=values)


def _workers(plan: StressPlan, workers: Sequence[WorkerResult]) -> StressCheck:
    dead = [each for each in workers if not each.finished or each.exit_code != 0]
    words = [
        *(f"worker {each.number} ended with code {each.exit_code}" for each in dead),
        *(problem for each in workers for problem in each.problems),
    ]
    good = not words and len(workers) == plan.workers
    where = ", ".join(each.where for each in workers if each.where) or "processes of the stress service"
    said = "; ".join(words[:5]) or f"{len(workers)} of {plan.workers} workers finished: {where}"
    return _check("workers", good, said, workers=len(workers), lost=len(dead), where=where)


def _sent(sending: SendingRecord) -> StressCheck:
    good = sending.scheduled > 0 and sending.sent >= MIN_ACHIEVED * sending.scheduled
    said = f"{sending.sent} of {sending.scheduled} scheduled requests were sent"
    return _check("sent", good, said, scheduled=sending.scheduled, sent=sending.sent)


def _lag(plan: StressPlan, lags: Sequence[float]) -> StressCheck:
    limit = max(MAX_LAG_SECONDS, LAG_SHARE_OF_SLO * min(slo.seconds for slo in plan.slos))
    if not lags or any(math.isnan(lag) for lag in lags):
        return _check("send_lag", False, "no sending was measured", n=len(lags))
    found = sorted(lags)[max(0, math.ceil(0.99 * len(lags)) - 1)]
    said = f"p99 of the delay before sending {found * 1000:.1f} ms, allowed {limit * 1000:g} ms"
    return _check("send_lag", found <= limit, said, p99_seconds=found, limit_seconds=limit, n=len(lags))


def _journal(sending: SendingRecord, workers: Sequence[WorkerResult]) -> StressCheck:
    problems = list(sending.journal_problems)
    for each in workers:
        if any(count != each.journalled for count in each.histogram_counts) or not each.histogram_counts:
            counted = ", ".join(map(str, each.histogram_counts)) or "nothing"
            problems.append(f"worker {each.number} journalled {each.journalled}, its histograms hold {counted}")
    return _check("journal", not problems, "; ".join(problems[:5]) or "journal and histograms hold the same count")


def _cpu(workers: Sequence[WorkerResult]) -> StressCheck:
    figures = [figure for each in workers for figure in each.cpu_percent]
    if not figures or any(math.isnan(figure) for figure in figures):
        return _check("generator_cpu", False, "the generator's CPU was not measured")
    highest = max(
        sorted(each.cpu_percent)[max(0, math.ceil(0.95 * len(each.cpu_percent)) - 1)]
        for each in workers
        if each.cpu_percent
    )
    said = f"p95 {highest:.0f} % of a core, allowed {MAX_CPU_PERCENT:.0f} %"
    return _check("generator_cpu", highest <= MAX_CPU_PERCENT, said, p95_percent=highest)


def _clock(workers: Sequence[WorkerResult]) -> StressCheck:
    step = max((abs(each.clock_step_seconds) for each in workers), default=math.inf)
    good = step <= MAX_CLOCK_STEP_SECONDS  # False for NaN
    return _check("clock", good, f"wall clock and monotonic clock drifted {step:.3f} s apart", step_seconds=step)
