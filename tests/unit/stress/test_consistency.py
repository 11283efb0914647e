"""The engine's records against its responses: each planted fault breaks its invariant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from seatrial_core.contracts.stress import CheckState, StressCheck
from seatrial_stress.checks import consistency
from seatrial_stress.checks.engine_records import EngineRecords, RecordedFill, RecordedOrder
from seatrial_stress.checks.journal import OrderAttempt, OrderOutcome

RUN = "run1"


def attempt(n: int, outcome: OrderOutcome = OrderOutcome.OK, **values: object) -> OrderAttempt:
    answer = {"order_id": f"o{n}", "order_status": "filled"} if outcome is OrderOutcome.OK else {}
    base = OrderAttempt(f"{RUN}-{n}", "signal", None, 0, 0.1 * n, 0.1 * n, 0.1 * n + 0.01, outcome)
    return replace(base, **{**answer, **values})  # type: ignore[arg-type]  # the fields have a type each


def order(n: int, **values: object) -> RecordedOrder:
    return replace(RecordedOrder(f"o{n}", f"{RUN}-{n}", "filled", Decimal(1)), **values)  # type: ignore[arg-type]  # as above


def fill(n: int, **values: object) -> RecordedFill:
    return replace(RecordedFill(f"f{n}", f"o{n}", Decimal(1), Decimal(100)), **values)  # type: ignore[arg-type]  # as above


def broken(checks: Sequence[StressCheck]) -> set[str]:
    return {check.name for check in checks if check.state is CheckState.VIOLATION}


ATTEMPTS = tuple(attempt(n) for n in range(3))
ORDERS = tuple(order(n) for n in range(3))
FILLS = tuple(fill(n) for n in range(3))


def test_consistent_records_pass_every_invariant() -> None:
    checks = consistency.check(ATTEMPTS, EngineRecords(ORDERS, FILLS), RUN)

    assert {check.state for check in checks} == {CheckState.PASS}


@dataclass(frozen=True)
class Case:
    id: str
    invariant: str
    attempts: tuple[OrderAttempt, ...] = ATTEMPTS
    orders: tuple[RecordedOrder, ...] = ORDERS
    fills: tuple[RecordedFill, ...] = FILLS


CASES = (
    Case("an acknowledged order is missing", "no_lost_ack", orders=ORDERS[1:], fills=FILLS[1:]),
    Case("an order that was never sent", "no_phantom", orders=(*ORDERS, order(9)), fills=(*FILLS, fill(9))),
    Case(
        "a refused order is filled",
        "no_ghost_reject",
        attempts=(*ATTEMPTS, attempt(7, OrderOutcome.FAIL)),
        orders=(*ORDERS, order(7)),
        fills=(*FILLS, fill(7)),
    ),
    Case(
        "an unanswered order stays open",
        "indeterminate_resolves",
        attempts=(*ATTEMPTS, attempt(7, OrderOutcome.INFO)),
        orders=(*ORDERS, order(7, status="submitted")),
    ),
    Case(
        "an unanswered order is executed twice",
        "at_most_once",
        attempts=(*ATTEMPTS, attempt(7, OrderOutcome.INFO)),
        orders=(*ORDERS, order(7), order(7, id="o8")),
        fills=(*FILLS, fill(7), fill(8)),
    ),
    Case("answered filled, but rejected", "answers_match_books", orders=(order(0, status="rejected"), *ORDERS[1:])),
    Case("an order is overfilled", "fills_match_orders", fills=(*FILLS, fill(0, id="f0b"))),
    Case("a fill is recorded twice", "fill_exactly_once", fills=(*FILLS, FILLS[0])),
    Case("a fill price is not a number", "numeric_hygiene", fills=(fill(0, price=Decimal("NaN")), *FILLS[1:])),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_planted_fault_breaks_its_invariant(case: Case) -> None:
    checks = consistency.check(case.attempts, EngineRecords(case.orders, case.fills), RUN)

    assert case.invariant in broken(checks)


def test_repeated_order_with_two_order_ids_is_a_violation() -> None:
    second = attempt(0, number=1, order_id="o0b")

    checks = consistency.check((*ATTEMPTS, second), EngineRecords(ORDERS, FILLS), RUN, planned_repeats=1)

    assert broken(checks) == {"idempotent_replay"}


def test_missing_records_make_every_invariant_unknown() -> None:
    checks = consistency.check(ATTEMPTS, EngineRecords(why_no_orders="no list"), RUN)

    assert {check.state for check in checks} == {CheckState.UNKNOWN}
    assert all(check.said == "no list" for check in checks)
    assert {"no_lost_ack", "at_most_once", "fill_exactly_once"} <= {check.name for check in checks}


def test_missing_fills_make_only_the_fill_invariants_unknown() -> None:
    states = {check.name: check.state for check in consistency.check(ATTEMPTS, EngineRecords(ORDERS, None), RUN)}

    assert states["no_lost_ack"] is CheckState.PASS
    assert states["fills_match_orders"] is CheckState.UNKNOWN


def test_empty_records_without_an_acknowledged_order_are_unknown() -> None:
    unanswered = tuple(attempt(n, OrderOutcome.INFO) for n in range(3))

    checks = consistency.check(unanswered, EngineRecords((), ()), RUN)

    assert {check.state for check in checks} == {CheckState.UNKNOWN}


def test_orders_of_other_runs_are_ignored() -> None:
    other_order = order(5, client_order_id="run2-5")

    assert not broken(consistency.check(ATTEMPTS, EngineRecords((*ORDERS, other_order), FILLS), RUN))
