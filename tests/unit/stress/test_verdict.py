"""Empty and broken runs never pass, and each kind has its exit code."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from seatrial_core.contracts.stress import CheckState, Slo, StressCheck, StressPlan, Verdict
from seatrial_stress.checks import verdict
from seatrial_stress.checks.engine_records import EngineRecords, RecordedFill, RecordedOrder
from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.checks.journal import Journal, OrderAttempt, OrderOutcome
from seatrial_stress.checks.run_checks import RunEvidence, run_checks

N = 400
PLAN = StressPlan(
    name="tried",
    rate_per_second=40,
    duration_seconds=10,
    warm_up_seconds=0,
    slos=(Slo(quantile=0.95, seconds=0.25), Slo(quantile=0.99, seconds=1.0)),
)


def attempts(
    outcome: OrderOutcome = OrderOutcome.OK, seconds: float = 0.01, lag: float = 0.001
) -> tuple[OrderAttempt, ...]:
    result = []
    for n in range(N):
        at = n / 40
        answer = (f"o{n}", "filled") if outcome is OrderOutcome.OK else (None, None)
        finished = at + lag + seconds if math.isfinite(seconds) else None
        result.append(OrderAttempt(f"r-{n}", "signal", None, 0, at, at + lag, finished, outcome, *answer))
    return tuple(result)


WORKER = WorkerResult(0, 0, True, N, (N, N, N), (), (20.0, 25.0))
RECORDS = EngineRecords(
    tuple(RecordedOrder(f"o{n}", f"r-{n}", "filled", Decimal(1)) for n in range(N)),
    tuple(RecordedFill(f"f{n}", f"o{n}", Decimal(1), Decimal(100)) for n in range(N)),
)
GOOD = RunEvidence("r", N, 0, Journal(attempts()), (WORKER,), RECORDS)


def verdict_of(evidence: RunEvidence) -> Verdict:
    return verdict.of(run_checks(PLAN, evidence))


def test_good_run_passes() -> None:
    checks = run_checks(PLAN, GOOD)

    assert [check for check in checks if check.state is not CheckState.PASS] == []
    assert verdict.of(checks) is Verdict.PASS


@dataclass(frozen=True)
class Case:
    id: str
    exit_code: int
    change: Callable[[RunEvidence], RunEvidence]


def with_journal(evidence: RunEvidence, made: tuple[OrderAttempt, ...], *problems: str) -> RunEvidence:
    return replace(evidence, journal=Journal(made, problems))


def with_worker(evidence: RunEvidence, end: WorkerResult) -> RunEvidence:
    return replace(evidence, workers=(end,))


def with_nan_time(evidence: RunEvidence) -> RunEvidence:
    made = list(evidence.journal.attempts)
    made[5] = replace(made[5], finished=math.nan)
    return with_journal(evidence, tuple(made))


CASES = (
    Case("engine that never answers", 1, lambda o: with_journal(o, attempts(OrderOutcome.INFO, math.inf))),
    Case("no request at all", 4, lambda o: replace(o, scheduled=0, journal=Journal(()), records=EngineRecords((), ()))),
    Case("no worker", 4, lambda o: replace(o, workers=())),
    Case("worker killed", 4, lambda o: with_worker(o, WorkerResult(0, -9))),
    Case("NaN time", 4, with_nan_time),
    Case("NaN CPU", 4, lambda o: with_worker(o, replace(WORKER, cpu_percent=(math.nan,)))),
    Case(
        "every order refused",
        1,
        lambda o: replace(with_journal(o, attempts(OrderOutcome.FAIL)), records=EngineRecords((), ())),
    ),
    Case("acknowledged orders, empty records", 2, lambda o: replace(o, records=EngineRecords((), ()))),
    Case("records that cannot be read", 3, lambda o: replace(o, records=EngineRecords())),
    Case("journal on a full disk", 4, lambda o: with_worker(o, replace(WORKER, problems=("OSError: no space",)))),
    Case("wall clock stepped", 4, lambda o: with_worker(o, replace(WORKER, clock_step_seconds=3600.0))),
    Case("user class raised", 4, lambda o: with_worker(o, replace(WORKER, problems=("user: ValueError",)))),
    Case("generator too slow", 4, lambda o: with_journal(o, attempts(lag=0.2))),
    Case("generator CPU at its limit", 4, lambda o: with_worker(o, replace(WORKER, cpu_percent=(99.0, 99.0)))),
    Case("half of the schedule was not sent", 4, lambda o: replace(o, scheduled=2 * N)),
    Case("histogram count differs", 4, lambda o: with_worker(o, replace(WORKER, histogram_counts=(N, N - 1, N)))),
    Case("unreadable journal line", 4, lambda o: with_journal(o, o.journal.attempts, "line 7 cannot be read")),
    Case("slow engine", 1, lambda o: with_journal(o, attempts(seconds=2.0))),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_run_without_proof_never_passes(case: Case) -> None:
    assert verdict.EXIT_CODES[verdict_of(case.change(GOOD))] == case.exit_code


def test_too_few_requests_are_inconclusive_and_state_the_required_number() -> None:
    few = RunEvidence(
        "r", 50, 0, Journal(attempts()[:50]), (replace(WORKER, journalled=50, histogram_counts=(50,)),), RECORDS
    )
    few = replace(few, records=EngineRecords((RECORDS.orders or ())[:50], (RECORDS.fills or ())[:50]))

    checks = run_checks(PLAN, few)

    assert verdict.of(checks) is Verdict.INCONCLUSIVE
    assert any("at least 301 requests" in check.said for check in checks)


def test_lost_order_takes_precedence_over_a_slow_generator() -> None:
    slow_and_lost = replace(with_journal(GOOD, attempts(lag=0.2)), records=EngineRecords((), ()))

    assert verdict_of(slow_and_lost) is Verdict.CONSISTENCY_VIOLATION


def test_missing_kind_of_check_is_invalid() -> None:
    only = [StressCheck(name="workers", kind="generator", state=CheckState.PASS, said="")]

    assert verdict.of(only) is Verdict.INVALID
    assert verdict.of([]) is Verdict.INVALID
    assert verdict.worst([]) is Verdict.INVALID


def test_short_outage_fails_the_worst_window() -> None:
    slowed = list(attempts())
    for n in range(200, 218):
        slowed[n] = replace(slowed[n], finished=slowed[n].intended + 0.3)

    checks = {check.name: check for check in run_checks(PLAN, with_journal(GOOD, tuple(slowed)))}

    assert checks["signal_p95"].state is not CheckState.PASS
