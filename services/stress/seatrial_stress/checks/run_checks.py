"""Judges a run: every check out of plan, journal, generator and the engine's books."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seatrial_core.contracts.stress import CheckState, Latency, StressCheck, StressPlan
from seatrial_stress.checks import consistency, generator, memory_growth, slo
from seatrial_stress.checks.consistency import EngineRecords
from seatrial_stress.checks.generator import SendingRecord, WorkerResult
from seatrial_stress.checks.journal import Journal, OrderAttempt, OrderOutcome
from seatrial_stress.checks.memory_growth import MemorySample
from seatrial_stress.checks.slo import LatencySample

# The exchange never executes these, so the engine must answer that the order was rejected.
NOT_EXECUTED = frozenset({"connect_refused", "timeout"})
MIN_WINDOW_SECONDS = 5.0


@dataclass(frozen=True)
class RunEvidence:
    """Everything that a run left behind."""

    run: str
    scheduled: int
    repeats: int
    journal: Journal
    workers: tuple[WorkerResult, ...]
    evidence: EngineRecords
    memory: tuple[MemorySample, ...] = ()


def checks(plan: StressPlan, observed: RunEvidence) -> list[StressCheck]:
    """Return every check of a run."""
    attempts = observed.journal.attempts
    first = [each for each in attempts if each.number == 0]
    sending = SendingRecord(
        observed.scheduled,
        len(first),
        tuple(each.lag_seconds for each in first),
        observed.journal.problems,
    )
    measured = [each for each in first if each.intended >= plan.warm_up_seconds]
    found = generator.judge(plan, sending, observed.workers)
    found += _slos(plan, measured)
    found += consistency.judge(attempts, observed.evidence, observed.run, observed.repeats)
    if plan.faults:
        found.append(_faults(first))
    if plan.memory_mb_per_1000_orders is not None:
        budget = plan.memory_mb_per_1000_orders
        found.append(memory_growth.judge(observed.memory, len(attempts), plan.duration_seconds, budget))
    return found


def is_as_expected(attempt: OrderAttempt) -> bool:
    """Tell whether the answer is the one that the plan calls for; a rejection is right only where nothing executes."""
    if attempt.outcome is OrderOutcome.INFO:
        return False
    if attempt.fault in NOT_EXECUTED:
        return attempt.order_status in {"rejected", "filled"}
    return attempt.outcome is OrderOutcome.OK and attempt.order_status != "rejected"


def latency(seconds: Sequence[float]) -> Latency:
    """Return the quantiles of the finite times; the requests that never ended are counted, and come last."""
    ordered = sorted(seconds)

    def quantile(share: float) -> float | None:
        found = ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.inf
        return found if math.isfinite(found) else None

    return Latency(n=len(ordered), p50=quantile(0.5), p95=quantile(0.95), p99=quantile(0.99), max=quantile(1.0))


def figures(attempts: Sequence[OrderAttempt]) -> Mapping[str, Latency]:
    """Return response (from the intended time), service (from sending) and lag of all first attempts."""
    first = [each for each in attempts if each.number == 0]
    return {
        "response": latency([each.response_seconds for each in first]),
        "service": latency([each.service_seconds for each in first]),
        "lag": latency([each.lag_seconds for each in first]),
    }


def _slos(plan: StressPlan, measured: Sequence[OrderAttempt]) -> list[StressCheck]:
    window = max(MIN_WINDOW_SECONDS, plan.duration_seconds / 4)
    found = []
    for each in plan.slos:
        samples = [
            LatencySample(one.intended, one.response_seconds if is_as_expected(one) else math.inf)
            for one in measured
            if one.operation == each.operation
        ]
        name = f"{each.operation}_p{each.quantile * 100:g}"
        found.append(slo.judge(name, samples, each.seconds, 1 - each.quantile, window))
    wrong = [LatencySample(one.intended, 0.0 if is_as_expected(one) else math.inf) for one in measured]
    # Errors are counted as answers that never came, so the same rule with any limit judges them.
    errors = slo.judge("errors", wrong, plan.timeout_seconds, plan.max_error_ratio, window)
    return [*found, errors]


def _faults(first: Sequence[OrderAttempt]) -> StressCheck:
    asked = [each for each in first if each.fault in NOT_EXECUTED and each.outcome is not OrderOutcome.INFO]
    met = [each for each in asked if each.order_status == "rejected"]
    values = {"asked": len(asked), "met": len(met)}
    if asked and len(met) == len(asked):
        state, said = CheckState.PASS, f"all {len(asked)} orders that the exchange was to refuse were refused"
    else:
        said = f"of {len(asked)} orders that the exchange was to refuse {len(met)} were; the engine injects no faults"
        state = CheckState.UNKNOWN
    return StressCheck(name="faults_injected", kind="faults", state=state, said=said, values=dict(values))
