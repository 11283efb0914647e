"""Proves from the engine's own books that every acknowledged order exists exactly once."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seatrial_stress.journal import Entry, Outcome
from seatrial_shared.contracts.stress import Check, Verdict

MOST_KEYS_TOLD = 5


@dataclass(frozen=True)
class BookedOrder:
    """One order as the engine keeps it."""

    key: str
    order_id: str
    status: str
    symbol: str = ""


@dataclass(frozen=True)
class Evidence:
    """What the engine shows after the run; None means that it does not offer it."""

    orders: Sequence[BookedOrder] | None = None
    filled_order_ids: Sequence[str] | None = None


def checks(entries: Sequence[Entry], evidence: Evidence) -> list[Check]:
    """Return the ledger check and one check an invariant; what the engine does not show is INCONCLUSIVE by name."""
    if evidence.orders is None:
        detail = "the engine offers no GET /v1/orders, so nothing is known of its books"
        return [Check(name="ledger", verdict=Verdict.INCONCLUSIVE, detail=detail)]
    if not entries:
        return [Check(name="ledger", verdict=Verdict.INVALID, detail="no order was sent")]
    orders = evidence.orders
    counts = Counter(order.key for order in orders)
    sent = {entry.key for entry in entries}
    found = [
        _check("no acknowledged order is lost", entries, lambda e: e.outcome is Outcome.OK and counts[e.key] == 0),
        _check("no order is there twice", entries, lambda e: counts[e.key] > 1),
        _check("no refused order was executed", entries, _executed_though_refused(orders)),
        _keys("no order came from nowhere", sorted(order.key for order in orders if order.key not in sent)),
        _settled(entries, orders),
        _fills(orders, evidence.filled_order_ids),
    ]
    acknowledged = sum(1 for entry in entries if entry.outcome is Outcome.OK)
    if acknowledged == 0:
        return [Check(name="ledger", verdict=Verdict.INCONCLUSIVE, detail="no order was acknowledged"), *found]
    broken = [check for check in found if check.verdict is Verdict.CONSISTENCY_VIOLATION]
    if broken:
        detail = f"{len(broken)} rules broken; {broken[0].name}: {broken[0].detail}"
        return [Check(name="ledger", verdict=Verdict.CONSISTENCY_VIOLATION, detail=detail), *found]
    detail = f"{acknowledged} acknowledged orders, each there exactly once"
    return [Check(name="ledger", verdict=Verdict.PASS, detail=detail), *found]


def _executed_though_refused(orders: Sequence[BookedOrder]) -> Callable[[Entry], bool]:
    executed = {order.key for order in orders if order.status == "filled"}
    return lambda entry: entry.outcome is Outcome.FAIL and entry.key in executed


def _settled(entries: Sequence[Entry], orders: Sequence[BookedOrder]) -> Check:
    unclear = {entry.key for entry in entries if entry.outcome is Outcome.INFO}
    final = {"filled", "rejected", "cancelled", "expired"}
    stuck = sorted(order.key for order in orders if order.key in unclear and order.status not in final)
    return _keys("orders without a clear answer are settled", stuck)


def _fills(orders: Sequence[BookedOrder], filled: Sequence[str] | None) -> Check:
    name = "each filled order has exactly one fill"
    if filled is None:
        return Check(name=name, verdict=Verdict.INCONCLUSIVE, detail="the engine offers no GET /v1/ledger")
    counts = Counter(filled)
    return _keys(
        name, sorted(order.key for order in orders if (counts[order.order_id] != 1) == (order.status == "filled"))
    )


def _check(name: str, entries: Sequence[Entry], is_broken: Callable[[Entry], bool]) -> Check:
    return _keys(name, [entry.key for entry in entries if is_broken(entry)])


def _keys(name: str, keys: Sequence[str]) -> Check:
    if not keys:
        return Check(name=name, verdict=Verdict.PASS, detail="holds")
    told = list(keys[:MOST_KEYS_TOLD])
    detail = f"{len(keys)} orders: {', '.join(told)}{' ...' if len(keys) > len(told) else ''}"
    figures = {"orders": len(keys), "keys": told}
    return Check(name=name, verdict=Verdict.CONSISTENCY_VIOLATION, detail=detail, figures=figures)
