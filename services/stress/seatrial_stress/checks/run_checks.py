"""Runs every check of a run on its plan, journal, generator and the engine's records."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seatrial_core.contracts.stress import CheckState, Latency, StressCheck, StressPlan
from seatrial_stress.checks import consistency, generator, memory_growth, slo
from seatrial_stress.checks.engine_records import EngineRecords
from seatrial_stress.checks.generator import SendStatistics, WorkerResult
from seatrial_stress.checks.journal import Journal, OrderAttempt, OrderOutcome
from seatrial_stress.checks.memory_growth import MemorySample
from seatrial_stress.checks.slo import LatencySample

# The exchange never executes these, so the engine must answer that the order was rejected.
NOT_EXECUTED = frozenset({"connect_refused", "timeout"})
MIN_WINDOW_SECONDS = 5.0


@dataclass(frozen=True)
class RunEvidence:
    """Everything that a run recorded."""

    run: str
    scheduled: int
    repeats: int
    journal: Journal
    workers: tuple[WorkerResult, ...]
    records: EngineRecords
    memory: tuple[MemorySample, ...] = ()


def run_checks(plan: StressPlan, evidence: RunEvidence) -> list[StressCheck]:
    """Return every check of a run."""
    attempts = evidence.journal.attempts
    first_attempts = _first_attempts(attempts)
    statistics = SendStatistics(
        evidence.scheduled,
        len(first_attempts),
        tuple(attempt.lag_seconds for attempt in first_attempts),
        evidence.journal.problems,
    )
    measured = [attempt for attempt in first_attempts if attempt.intended >= plan.warm_up_seconds]
    checks = generator.check(plan, statistics, evidence.workers)
    checks += _check_slos(plan, measured)
    checks += consistency.check(attempts, evidence.records, evidence.run, evidence.repeats)
    if plan.faults:
        checks.append(_check_faults(first_attempts))
    if plan.memory_mb_per_1000_orders is not None:
        budget = plan.memory_mb_per_1000_orders
        checks.append(memory_growth.check(evidence.memory, len(attempts), plan.duration_seconds, budget))
    return checks


def is_as_expected(attempt: OrderAttempt) -> bool:
    """Return whether the answer is the one the plan calls for; a rejection only if the exchange executes nothing."""
    if attempt.outcome is OrderOutcome.INFO:
        return False
    if attempt.fault in NOT_EXECUTED:
        return attempt.order_status in {"rejected", "filled"}
    return attempt.outcome is OrderOutcome.OK and attempt.order_status != "rejected"


def latency(seconds: Sequence[float]) -> Latency:
    """Return count and quantiles; a quantile that falls on a request without an answer is None."""
    ordered = sorted(seconds)

    def quantile(share: float) -> float | None:
        value = ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.inf
        return value if math.isfinite(value) else None

    return Latency(n=len(ordered), p50=quantile(0.5), p95=quantile(0.95), p99=quantile(0.99), max=quantile(1.0))


def latencies(attempts: Sequence[OrderAttempt]) -> Mapping[str, Latency]:
    """Return response (from the intended time), service (from sending) and lag of all first attempts."""
    first_attempts = _first_attempts(attempts)
    return {
        "response": latency([attempt.response_seconds for attempt in first_attempts]),
        "service": latency([attempt.service_seconds for attempt in first_attempts]),
        "lag": latency([attempt.lag_seconds for attempt in first_attempts]),
    }


def _first_attempts(attempts: Sequence[OrderAttempt]) -> list[OrderAttempt]:
    return [attempt for attempt in attempts if attempt.number == 0]


def _check_slos(plan: StressPlan, measured: Sequence[OrderAttempt]) -> list[StressCheck]:
    window = max(MIN_WINDOW_SECONDS, plan.duration_seconds / 4)
    checks = []
    for objective in plan.slos:
        samples = [
            LatencySample(attempt.intended, attempt.response_seconds if is_as_expected(attempt) else math.inf)
            for attempt in measured
            if attempt.operation == objective.operation
        ]
        name = f"{objective.operation}_p{objective.quantile * 100:g}"
        checks.append(slo.check(name, samples, objective.seconds, 1 - objective.quantile, window))
    errors = [LatencySample(attempt.intended, 0.0 if is_as_expected(attempt) else math.inf) for attempt in measured]
    # An error counts as an answer that never came, so the same rule applies with any limit.
    return [*checks, slo.check("errors", errors, plan.timeout_seconds, plan.max_error_ratio, window)]


def _check_faults(first_attempts: Sequence[OrderAttempt]) -> StressCheck:
    asked = [
        attempt
        for attempt in first_attempts
        if attempt.fault in NOT_EXECUTED and attempt.outcome is not OrderOutcome.INFO
    ]
    met = [attempt for attempt in asked if attempt.order_status == "rejected"]
    if asked and len(met) == len(asked):
        state, detail = CheckState.PASS, f"all {len(asked)} orders with an injected refusal were rejected"
    else:
        state = CheckState.UNKNOWN
        detail = (
            f"{len(met)} of {len(asked)} orders with an injected refusal were rejected; the engine injects no faults"
        )
    values = {"asked": len(asked), "met": len(met)}
    return StressCheck(name="faults_injected", kind="faults", state=state, said=detail, values=dict(values))
