"""Whether the engine's books agree with what it said: nothing lost, nothing doubled, nothing out of thin air."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from seatrial_core.contracts.stress import CheckState, StressCheck
from seatrial_stress.checks.journal import OrderAttempt, OrderOutcome

FINAL = {"filled", "rejected", "cancelled", "expired"}
MAX_NAMED = 5
Row = TypeVar("Row")


@dataclass(frozen=True)
class BookedOrder:
    """An order in the engine's books."""

    id: str
    client_order_id: str
    status: str
    quantity: Decimal
    side: str = "BUY"


@dataclass(frozen=True)
class BookedFill:
    """A fill in the engine's books."""

    id: str
    order_id: str
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True)
class EngineRecords:
    """What the engine showed; None with a reason where it showed nothing."""

    orders: tuple[BookedOrder, ...] | None = None
    fills: tuple[BookedFill, ...] | None = None
    why_no_orders: str = "the engine has no list of orders"
    why_no_fills: str = "the engine has no list of fills"


@dataclass(frozen=True)
class BookComparison:
    """Attempts and booked orders, by key."""

    attempts: Mapping[str, Sequence[OrderAttempt]]
    orders: Mapping[str, Sequence[BookedOrder]]
    fills: Mapping[str, Sequence[BookedFill]]


def judge(
    attempts: Sequence[OrderAttempt], evidence: EngineRecords, run: str, repeats_due: int = 0
) -> list[StressCheck]:
    """Return one check for each invariant; a broken one is a VIOLATION, one without evidence UNKNOWN.

    Args:
        attempts: What was sent and answered; only orders count.
        evidence: The engine's books after the run, of any run.
        run: The run's id, which begins each of its keys.
        repeats_due: How many orders the plan sends twice.
    """
    orders = [each for each in evidence.orders or () if each.client_order_id.startswith(f"{run}-")]
    ids = {each.id for each in orders}
    fills = [each for each in evidence.fills or () if each.order_id in ids]
    books = BookComparison(
        _grouped([each for each in attempts if each.operation == "signal"], lambda each: each.key),
        _grouped(orders, lambda each: each.client_order_id),
        _grouped(fills, lambda each: each.order_id),
    )
    checks = [_idempotent(books)] if repeats_due else []
    for name, invariant in _ON_ORDERS.items():
        lacking = evidence.why_no_orders if evidence.orders is None else None
        checks.append(_evaluated(name, books, invariant, lacking))
    for name, invariant in _ON_FILLS.items():
        lacking = evidence.why_no_orders if evidence.orders is None else None
        lacking = lacking or (evidence.why_no_fills if evidence.fills is None else None)
        checks.append(_evaluated(name, books, invariant, lacking))
    return checks


def _grouped(rows: Sequence[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)


def _evaluated(name: str, books: BookComparison, invariant: "Invariant", lacking: str | None) -> StressCheck:
    if lacking is not None:
        return StressCheck(name=name, kind="ledger", state=CheckState.UNKNOWN, said=lacking)
    if not _with(books, OrderOutcome.OK):
        # Nothing was acknowledged, so an empty book proves nothing; a full one may still convict.
        broken = invariant(books)
        if not broken:
            return StressCheck(name=name, kind="ledger", state=CheckState.UNKNOWN, said="no order was acknowledged")
        return _violated(name, broken)
    broken = invariant(books)
    return _violated(name, broken) if broken else _kept(name, len(books.attempts))


def _kept(name: str, n: int) -> StressCheck:
    return StressCheck(
        name=name, kind="ledger", state=CheckState.PASS, said=f"holds for {n} orders", values={"orders": n}
    )


def _violated(name: str, broken: Sequence[str]) -> StressCheck:
    more = f" and {len(broken) - MAX_NAMED} more" if len(broken) > MAX_NAMED else ""
    said = "; ".join(broken[:MAX_NAMED]) + more
    return StressCheck(
        name=name, kind="ledger", state=CheckState.VIOLATION, said=said, values={"violations": len(broken)}
    )


def _with(books: BookComparison, outcome: OrderOutcome) -> list[str]:
    return [key for key, sent in books.attempts.items() if any(each.outcome is outcome for each in sent)]


def _lost(books: BookComparison) -> list[str]:
    return [
        f"{key} was acknowledged and is booked {len(books.orders.get(key, ()))} times"
        for key in _with(books, OrderOutcome.OK)
        if len(books.orders.get(key, ())) != 1
    ]


def _phantom(books: BookComparison) -> list[str]:
    return [f"{key} is booked and was never sent" for key in books.orders if key not in books.attempts]


def _ghosts(books: BookComparison) -> list[str]:
    acknowledged = set(_with(books, OrderOutcome.OK))
    return [
        f"{key} was refused and is booked as filled"
        for key, sent in books.attempts.items()
        if key not in acknowledged
        and all(each.outcome is OrderOutcome.FAIL for each in sent)
        and any(order.status == "filled" for order in books.orders.get(key, ()))
    ]


def _unresolved(books: BookComparison) -> list[str]:
    return [
        f"{key} is booked as {order.status}"
        for key in _with(books, OrderOutcome.INFO)
        for order in books.orders.get(key, ())
        if order.status not in FINAL
    ]


def _doubled(books: BookComparison) -> list[str]:
    return [f"{key} is booked {len(orders)} times" for key, orders in books.orders.items() if len(orders) > 1]


def _contradicted(books: BookComparison) -> list[str]:
    found = []
    for key, sent in books.attempts.items():
        told = {each.order_status for each in sent if each.outcome is OrderOutcome.OK and each.order_status}
        booked = {order.status for order in books.orders.get(key, ())}
        if told and booked and told != booked:
            found.append(f"{key} was told {'/'.join(sorted(told))} and is booked {'/'.join(sorted(booked))}")
    return found


def _fills_differ(books: BookComparison) -> list[str]:
    found = []
    for key, orders in books.orders.items():
        for order in orders:
            filled = sum((each.quantity for each in books.fills.get(order.id, ())), Decimal(0))
            wanted = order.quantity if order.status == "filled" else Decimal(0)
            if filled != wanted:
                found.append(f"{key}: {order.status} order of {order.quantity}, fills add up to {filled}")
    return found


def _repeated_fills(books: BookComparison) -> list[str]:
    times = Counter(each.id for fills in books.fills.values() for each in fills)
    return [f"fill {identity} is booked {n} times" for identity, n in times.items() if n > 1]


def _odd_numbers(books: BookComparison) -> list[str]:
    fills = [each for fills in books.fills.values() for each in fills]
    return [
        f"fill {each.id} has quantity {each.quantity} and price {each.price}"
        for each in fills
        if not (each.quantity.is_finite() and each.price.is_finite() and each.quantity > 0 and each.price > 0)
    ]


def _idempotent(books: BookComparison) -> StressCheck:
    repeated = {key: sent for key, sent in books.attempts.items() if len(sent) > 1}
    known = {
        key: {each.order_id for each in sent if each.outcome is OrderOutcome.OK and each.order_id}
        for key, sent in repeated.items()
    }
    broken = [f"{key} sent twice became {len(ids)} orders" for key, ids in known.items() if len(ids) > 1]
    name = "idempotent_replay"
    if broken:
        return _violated(name, broken)
    if not any(known.values()):
        said = "no answer to a repeated order named its order"
        return StressCheck(name=name, kind="ledger", state=CheckState.UNKNOWN, said=said)
    return _kept(name, len(repeated))


Invariant = Callable[[BookComparison], list[str]]
_ON_ORDERS: Mapping[str, Invariant] = {
    "no_lost_ack": _lost,
    "no_phantom": _phantom,
    "no_ghost_reject": _ghosts,
    "indeterminate_resolves": _unresolved,
    "at_most_once": _doubled,
    "answers_match_books": _contradicted,
}
_ON_FILLS: Mapping[str, Invariant] = {
    "fills_match_orders": _fills_differ,
    "fill_exactly_once": _repeated_fills,
    "numeric_hygiene": _odd_numbers,
}
