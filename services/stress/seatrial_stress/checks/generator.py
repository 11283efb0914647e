"""Validity of the load: whether the generator sent what the plan says, on time and with CPU to spare."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial_core.contracts.stress import CheckState, StressCheck, StressPlan

MAX_LAG_SECONDS = 0.005
LAG_SHARE_OF_SLO = 0.1
MAX_CPU_PERCENT = 80.0
MAX_CLOCK_STEP_SECONDS = 0.5
MIN_SENT_RATIO = 0.995
MAX_NAMED = 5


@dataclass(frozen=True)
class WorkerResult:
    """How one generator process ended; `finished` is False if it wrote no summary.

    `where` names the container of a remote worker; it is empty for a process of the stress service itself.
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
class SendStatistics:
    """Requests scheduled and sent according to the journal, with the delay of each in seconds."""

    scheduled: int
    sent: int
    lags: tuple[float, ...]
    journal_problems: tuple[str, ...] = ()


def check(plan: StressPlan, statistics: SendStatistics, workers: Sequence[WorkerResult]) -> list[StressCheck]:
    """Return the checks of the generator; any state but PASS makes the run INVALID.

    Args:
        plan: The plan of the run.
        statistics: Requests scheduled and sent.
        workers: How each generator process ended.
    """
    return [
        _check_workers(plan, workers),
        _check_sent(statistics),
        _check_lag(plan, statistics.lags),
        _check_journal(statistics, workers),
        _check_cpu(workers),
        _check_clock(workers),
    ]


def _check(name: str, passed: bool, detail: str, **values: float | int | str | None) -> StressCheck:
    state = CheckState.PASS if passed else CheckState.INVALID
    return StressCheck(name=name, kind="generator", state=state, said=detail, values=values)


def _check_workers(plan: StressPlan, workers: Sequence[WorkerResult]) -> StressCheck:
    failed = [worker for worker in workers if not worker.finished or worker.exit_code != 0]
    problems = [
        *(f"worker {worker.number} exited with code {worker.exit_code}" for worker in failed),
        *(problem for worker in workers for problem in worker.problems),
    ]
    passed = not problems and len(workers) == plan.workers
    where = ", ".join(worker.where for worker in workers if worker.where) or "processes of the stress service"
    detail = "; ".join(problems[:MAX_NAMED]) or f"{len(workers)} of {plan.workers} workers finished: {where}"
    return _check("workers", passed, detail, workers=len(workers), lost=len(failed), where=where)


def _check_sent(statistics: SendStatistics) -> StressCheck:
    scheduled, sent = statistics.scheduled, statistics.sent
    passed = scheduled > 0 and sent >= MIN_SENT_RATIO * scheduled
    detail = f"{sent} of {scheduled} scheduled requests were sent"
    return _check("sent", passed, detail, scheduled=scheduled, sent=sent)


def _check_lag(plan: StressPlan, lags: Sequence[float]) -> StressCheck:
    limit = max(MAX_LAG_SECONDS, LAG_SHARE_OF_SLO * min(slo.seconds for slo in plan.slos))
    if not lags or any(math.isnan(lag) for lag in lags):
        return _check("send_lag", False, "no send delay was measured", n=len(lags))
    p99 = _percentile(lags, 0.99)
    detail = f"p99 send delay {p99 * 1000:.1f} ms, limit {limit * 1000:g} ms"
    return _check("send_lag", p99 <= limit, detail, p99_seconds=p99, limit_seconds=limit, n=len(lags))


def _check_journal(statistics: SendStatistics, workers: Sequence[WorkerResult]) -> StressCheck:
    problems = list(statistics.journal_problems)
    for worker in workers:
        if any(count != worker.journalled for count in worker.histogram_counts) or not worker.histogram_counts:
            counted = ", ".join(map(str, worker.histogram_counts)) or "nothing"
            problems.append(
                f"worker {worker.number} journalled {worker.journalled} requests, its histograms counted {counted}"
            )
    return _check("journal", not problems, "; ".join(problems[:MAX_NAMED]) or "journal and histograms agree")


def _check_cpu(workers: Sequence[WorkerResult]) -> StressCheck:
    samples = [sample for worker in workers for sample in worker.cpu_percent]
    if not samples or any(math.isnan(sample) for sample in samples):
        return _check("generator_cpu", False, "generator CPU was not measured")
    p95 = max(_percentile(worker.cpu_percent, 0.95) for worker in workers if worker.cpu_percent)
    detail = f"p95 {p95:.0f} % of a core, limit {MAX_CPU_PERCENT:.0f} %"
    return _check("generator_cpu", p95 <= MAX_CPU_PERCENT, detail, p95_percent=p95)


def _check_clock(workers: Sequence[WorkerResult]) -> StressCheck:
    step = max((abs(worker.clock_step_seconds) for worker in workers), default=math.inf)
    passed = step <= MAX_CLOCK_STEP_SECONDS  # False for NaN
    return _check("clock", passed, f"wall clock and monotonic clock differ by {step:.3f} s", step_seconds=step)


def _percentile(values: Sequence[float], quantile: float) -> float:
    return sorted(values)[max(0, math.ceil(quantile * len(values)) - 1)]
