"""Vacuous and broken runs: none of them is green, each has its own exit code."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from seatrial_core.contracts.stress import CheckState, Slo, StressCheck, StressPlan, Verdict
from seatrial_stress.checks import run_checks, verdict
from seatrial_stress.checks.consistency import BookedFill, BookedOrder, EngineRecords
from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.checks.journal import Journal, OrderAttempt, OrderOutcome
from seatrial_stress.checks.run_checks import RunEvidence

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
    found = []
    for n in range(N):
        at = n / 40
        told = (f"o{n}", "filled") if outcome is OrderOutcome.OK else (None, None)
        finished = at + lag + seconds if math.isfinite(seconds) else None
        found.append(OrderAttempt(f"r-{n}", "signal", None, 0, at, at + lag, finished, outcome, *told))
    return tuple(found)


WORKER = WorkerResult(0, 0, True, N, (N, N, N), (), (20.0, 25.0))
BOOKS = EngineRecords(
    tuple(BookedOrder(f"o{n}", f"r-{n}", "filled", Decimal(1)) for n in range(N)),
    tuple(BookedFill(f"f{n}", f"o{n}", Decimal(1), Decimal(100)) for n in range(N)),
)
GOOD = RunEvidence("r", N, 0, Journal(attempts()), (WORKER,), BOOKS)


def found(observed: RunEvidence) -> Verdict:
    return verdict.of(run_checks.checks(PLAN, observed))


def test_good_run_passes() -> None:
    checks = run_checks.checks(PLAN, GOOD)

    assert [check for check in checks if check.state is not CheckState.PASS] == []
    assert verdict.of(checks) is Verdict.PASS


@dataclass(frozen=True)
class Case:
    id: str
    exit_code: int
    change: Callable[[RunEvidence], RunEvidence]


def journal(observed: RunEvidence, made: tuple[OrderAttempt, ...], *problems: str) -> RunEvidence:
    return replace(observed, journal=Journal(made, problems))


def worker(observed: RunEvidence, end: WorkerResult) -> RunEvidence:
    return replace(observed, workers=(end,))


def torn(observed: RunEvidence) -> RunEvidence:
    made = list(observed.journal.attempts)
    made[5] = replace(made[5], finished=math.nan)
    return journal(observed, tuple(made))


CASES = (
    Case("hung server", 1, lambda o: journal(o, attempts(OrderOutcome.INFO, math.inf))),
    Case(
        "no request at all", 4, lambda o: replace(o, scheduled=0, journal=Journal(()), evidence=EngineRecords((), ()))
    ),
    Case("no worker", 4, lambda o: replace(o, workers=())),
    Case("worker killed", 4, lambda o: worker(o, WorkerResult(0, -9))),
    Case("time that is not a number", 4, torn),
    Case("CPU that is not a number", 4, lambda o: worker(o, replace(WORKER, cpu_percent=(math.nan,)))),
    Case(
        "every order refused",
        1,
        lambda o: replace(journal(o, attempts(OrderOutcome.FAIL)), evidence=EngineRecords((), ())),
    ),
    Case("acknowledged orders, empty books", 2, lambda o: replace(o, evidence=EngineRecords((), ()))),
    Case("books that cannot be read", 3, lambda o: replace(o, evidence=EngineRecords())),
    Case("journal on a full disk", 4, lambda o: worker(o, replace(WORKER, problems=("OSError: no space",)))),
    Case("clock jumped", 4, lambda o: worker(o, replace(WORKER, clock_step_seconds=3600.0))),
    Case("listener raised", 4, lambda o: worker(o, replace(WORKER, problems=("user: ValueError",)))),
    Case("generator too slow", 4, lambda o: journal(o, attempts(lag=0.2))),
    Case("generator's core full", 4, lambda o: worker(o, replace(WORKER, cpu_percent=(99.0, 99.0)))),
    Case("half was never sent", 4, lambda o: replace(o, scheduled=2 * N)),
    Case("histogram holds other counts", 4, lambda o: worker(o, replace(WORKER, histogram_counts=(N, N - 1, N)))),
    Case("torn journal", 4, lambda o: journal(o, o.journal.attempts, "line 7 cannot be read")),
    Case("slow engine", 1, lambda o: journal(o, attempts(seconds=2.0))),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_run_that_proves_nothing_is_never_green(case: Case) -> None:
    assert verdict.EXIT_CODES[found(case.change(GOOD))] == case.exit_code


def test_too_few_requests_are_inconclusive_and_name_how_many_are_needed() -> None:
    few = RunEvidence(
        "r", 50, 0, Journal(attempts()[:50]), (replace(WORKER, journalled=50, histogram_counts=(50,)),), BOOKS
    )
    few = replace(few, evidence=EngineRecords((BOOKS.orders or ())[:50], (BOOKS.fills or ())[:50]))

    checks = run_checks.checks(PLAN, few)

    assert verdict.of(checks) is Verdict.INCONCLUSIVE
    assert any("at least 301 requests" in check.said for check in checks)


def test_lost_order_outranks_a_slow_generator() -> None:
    slow_and_lost = replace(journal(GOOD, attempts(lag=0.2)), evidence=EngineRecords((), ()))

    assert found(slow_and_lost) is Verdict.CONSISTENCY_VIOLATION


def test_checks_without_a_whole_kind_are_invalid() -> None:
    only = [StressCheck(name="workers", kind="generator", state=CheckState.PASS, said="")]

    assert verdict.of(only) is Verdict.INVALID
    assert verdict.of([]) is Verdict.INVALID
    assert verdict.worst([]) is Verdict.INVALID


def test_short_outage_cannot_be_averaged_away() -> None:
    made = list(attempts())
    for n in range(200, 203):
        made[n] = replace(made[n], finished=made[n].intended + 3.0)
    spread = [*made]
    for n in range(200, 218):
        spread[n] = replace(spread[n], finished=spread[n].intended + 0.3)

    checks = {check.name: check for check in run_checks.checks(PLAN, journal(GOOD, tuple(spread)))}

    assert checks["signal_p95"].state is not CheckState.PASS
