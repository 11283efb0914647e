"""Consistency of the engine's records with its responses: no order lost, duplicated or invented."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from seatrial_core.contracts.stress import CheckState, StressCheck
from seatrial_stress.checks.engine_records import EngineRecords, RecordedFill, RecordedOrder
from seatrial_stress.checks.journal import OrderAttempt, OrderOutcome

FINAL = {"filled", "rejected", "cancelled", "expired"}
MAX_NAMED = 5
Row = TypeVar("Row")


@dataclass(frozen=True)
class RecordComparison:
    """Attempts and recorded orders by client order id; fills by order id."""

    attempts: Mapping[str, Sequence[OrderAttempt]]
    orders: Mapping[str, Sequence[RecordedOrder]]
    fills: Mapping[str, Sequence[RecordedFill]]


def check(
    attempts: Sequence[OrderAttempt], records: EngineRecords, run: str, planned_repeats: int = 0
) -> list[StressCheck]:
    """Return one check per invariant: VIOLATION where it is broken, UNKNOWN where the records are missing.

    Args:
        attempts: What was sent and answered; only orders count.
        records: The engine's records after the run; orders of other runs are ignored.
        run: The run's id, the prefix of each of its client order ids.
        planned_repeats: How many orders the plan sends twice.
    """
    comparison = _compare(attempts, records, run)
    checks = [_check_idempotency(comparison)] if planned_repeats else []
    why_no_orders = records.why_no_orders if records.orders is None else None
    why_no_fills = why_no_orders or (records.why_no_fills if records.fills is None else None)
    checks += [_check(name, comparison, rule, why_no_orders) for name, rule in _ORDER_INVARIANTS.items()]
    checks += [_check(name, comparison, rule, why_no_fills) for name, rule in _FILL_INVARIANTS.items()]
    return checks


def _compare(attempts: Sequence[OrderAttempt], records: EngineRecords, run: str) -> RecordComparison:
    orders = [order for order in records.orders or () if order.client_order_id.startswith(f"{run}-")]
    order_ids = {order.id for order in orders}
    return RecordComparison(
        _group([attempt for attempt in attempts if attempt.operation == "signal"], lambda attempt: attempt.key),
        _group(orders, lambda order: order.client_order_id),
        _group([fill for fill in records.fills or () if fill.order_id in order_ids], lambda fill: fill.order_id),
    )


def _group(rows: Sequence[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(groups)


def _check(name: str, comparison: RecordComparison, invariant: "Invariant", missing: str | None) -> StressCheck:
    if missing is not None:
        return StressCheck(name=name, kind="ledger", state=CheckState.UNKNOWN, said=missing)
    violations = invariant(comparison)
    if violations:
        return _violation(name, violations)
    # Without an acknowledged order, empty records prove nothing.
    if not _with_outcome(comparison, OrderOutcome.OK):
        return StressCheck(name=name, kind="ledger", state=CheckState.UNKNOWN, said="no order was acknowledged")
    return _pass(name, len(comparison.attempts))


def _pass(name: str, orders: int) -> StressCheck:
    return StressCheck(
        name=name, kind="ledger", state=CheckState.PASS, said=f"holds for {orders} orders", values={"orders": orders}
    )


def _violation(name: str, violations: Sequence[str]) -> StressCheck:
    more = f" and {len(violations) - MAX_NAMED} more" if len(violations) > MAX_NAMED else ""
    return StressCheck(
        name=name,
        kind="ledger",
        state=CheckState.VIOLATION,
        said="; ".join(violations[:MAX_NAMED]) + more,
        values={"violations": len(violations)},
    )


def _with_outcome(comparison: RecordComparison, outcome: OrderOutcome) -> list[str]:
    return [
        key for key, attempts in comparison.attempts.items() if any(attempt.outcome is outcome for attempt in attempts)
    ]


def _lost_orders(comparison: RecordComparison) -> list[str]:
    return [
        f"{key} was acknowledged but recorded {len(comparison.orders.get(key, ()))} times"
        for key in _with_outcome(comparison, OrderOutcome.OK)
        if len(comparison.orders.get(key, ())) != 1
    ]


def _unsent_orders(comparison: RecordComparison) -> list[str]:
    return [f"{key} is recorded but was never sent" for key in comparison.orders if key not in comparison.attempts]


def _filled_refusals(comparison: RecordComparison) -> list[str]:
    acknowledged = set(_with_outcome(comparison, OrderOutcome.OK))
    return [
        f"{key} was refused but recorded as filled"
        for key, attempts in comparison.attempts.items()
        if key not in acknowledged
        and all(attempt.outcome is OrderOutcome.FAIL for attempt in attempts)
        and any(order.status == "filled" for order in comparison.orders.get(key, ()))
    ]


def _unresolved_orders(comparison: RecordComparison) -> list[str]:
    return [
        f"{key} is still recorded as {order.status}"
        for key in _with_outcome(comparison, OrderOutcome.INFO)
        for order in comparison.orders.get(key, ())
        if order.status not in FINAL
    ]


def _duplicate_orders(comparison: RecordComparison) -> list[str]:
    return [f"{key} is recorded {len(orders)} times" for key, orders in comparison.orders.items() if len(orders) > 1]


def _contradicted_answers(comparison: RecordComparison) -> list[str]:
    violations = []
    for key, attempts in comparison.attempts.items():
        answered = {
            attempt.order_status for attempt in attempts if attempt.outcome is OrderOutcome.OK and attempt.order_status
        }
        recorded = {order.status for order in comparison.orders.get(key, ())}
        if answered and recorded and answered != recorded:
            violations.append(
                f"{key} was answered {'/'.join(sorted(answered))} but recorded as {'/'.join(sorted(recorded))}"
            )
    return violations


def _fill_sum_differs(comparison: RecordComparison) -> list[str]:
    violations = []
    for key, orders in comparison.orders.items():
        for order in orders:
            filled = sum((fill.quantity for fill in comparison.fills.get(order.id, ())), Decimal(0))
            expected = order.quantity if order.status == "filled" else Decimal(0)
            if filled != expected:
                violations.append(f"{key}: {order.status} order of {order.quantity}, fills add up to {filled}")
    return violations


def _duplicate_fills(comparison: RecordComparison) -> list[str]:
    counts = Counter(fill.id for fills in comparison.fills.values() for fill in fills)
    return [f"fill {identity} is recorded {count} times" for identity, count in counts.items() if count > 1]


def _invalid_numbers(comparison: RecordComparison) -> list[str]:
    return [
        f"fill {fill.id} has quantity {fill.quantity} and price {fill.price}"
        for fills in comparison.fills.values()
        for fill in fills
        if not (fill.quantity.is_finite() and fill.price.is_finite() and fill.quantity > 0 and fill.price > 0)
    ]


def _check_idempotency(comparison: RecordComparison) -> StressCheck:
    order_ids = {
        key: {attempt.order_id for attempt in attempts if attempt.outcome is OrderOutcome.OK and attempt.order_id}
        for key, attempts in comparison.attempts.items()
        if len(attempts) > 1
    }
    violations = [
        f"{key} was sent twice and created {len(ids)} orders" for key, ids in order_ids.items() if len(ids) > 1
    ]
    name = "idempotent_replay"
    if violations:
        return _violation(name, violations)
    if not any(order_ids.values()):
        reason = "no response to a repeated order contained an order id"
        return StressCheck(name=name, kind="ledger", state=CheckState.UNKNOWN, said=reason)
    return _pass(name, len(order_ids))


Invariant = Callable[[RecordComparison], list[str]]
_ORDER_INVARIANTS: Mapping[str, Invariant] = {
    "no_lost_ack": _lost_orders,
    "no_phantom": _unsent_orders,
    "no_ghost_reject": _filled_refusals,
    "indeterminate_resolves": _unresolved_orders,
    "at_most_once": _duplicate_orders,
    "answers_match_books": _contradicted_answers,
}
_FILL_INVARIANTS: Mapping[str, Invariant] = {
    "fills_match_orders": _fill_sum_differs,
    "fill_exactly_once": _duplicate_fills,
    "numeric_hygiene": _invalid_numbers,
}
