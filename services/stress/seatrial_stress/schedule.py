"""Writes the tape of a run before it starts: when each order is meant to be sent, and what it says. Pure and seeded."""

from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from seatrial_shared.contracts.stress import Plan

FAULT_HEADER = "Seatrial-Fault"
PRICES = (20.0, 60_000.0)


@dataclass(frozen=True)
class Arrival:
    """One order: its key, the second it is meant to be sent, and the request."""

    key: str
    at_seconds: float
    body: dict[str, Any]  # Any: JSON
    headers: dict[str, str]
    is_warm_up: bool

    def document(self) -> dict[str, Any]:  # Any: JSON
        """Return the arrival as JSON."""
        return asdict(self)


def write(plan: Plan, run_id: str) -> list[Arrival]:
    """Return every arrival of a run: a Poisson process whose rate does not look at the answers.

    Args:
        plan: How much, how long; the same seed gives the same tape.
        run_id: Begins every key, so that runs never share an order.
    """
    random = Random(plan.seed)
    prices = {symbol: random.uniform(*PRICES) for symbol in plan.symbols}
    total = plan.warm_up_seconds + plan.duration_seconds
    arrivals: list[Arrival] = []
    at = 0.0
    while (at := at + random.expovariate(plan.rate_per_second / plan.burst)) < total:
        for _ in range(plan.burst):
            arrivals.append(_arrival(plan, run_id, len(arrivals), at, prices, random))
    return arrivals


def _arrival(plan: Plan, run_id: str, number: int, at: float, prices: dict[str, float], random: Random) -> Arrival:
    symbol = random.choice(plan.symbols)
    prices[symbol] *= 1.0 + random.gauss(0.0, 0.0005)
    key = f"{run_id}-{number}"
    faults = {FAULT_HEADER: random.choice(plan.faults)} if plan.faults and random.random() < plan.fault_ratio else {}
    body = {
        "symbol": symbol,
        # Buys and sells in turn by symbol would need the state of the engine; a sell without a position is answered too.
        "action": "buy" if random.random() < 0.5 else "sell",
        "strategy": f"stress_{plan.kind}",
        "account": "stress",
        "environment": "stress",
        "client_order_id": key,
        "price": f"{prices[symbol]:.2f}",
        "quantity": "0.001",
    }
    return Arrival(key, at, body, faults, at < plan.warm_up_seconds)
