"""When each request is meant to leave and what it says: a function of plan and seed, never of the answers."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import accumulate
from random import Random

from seatrial_core.contracts.stress import Operation, StressPlan

PRICE = "100"
QUANTITY = "0.01"


@dataclass(frozen=True)
class Arrival:
    """One request.

    Args:
        key: The client order id, unique in all runs.
        at_seconds: When it is meant to leave, from the start of the run.
        operation: Which route it takes.
        symbol: What it trades.
        fault: What the exchange shall do wrong with it.
        repeats: How often it is sent; the second time says the same as the first.
    """

    key: str
    at_seconds: float
    operation: Operation
    symbol: str
    fault: str | None = None
    repeats: int = 1

    def row(self) -> dict[str, object]:
        """Return the row that the load generator reads."""
        body = {
            "symbol": self.symbol,
            "action": "buy",
            "strategy": "stress",
            "account": "stress",
            "environment": "stress",
            "client_order_id": self.key,
            "price": PRICE,
            "quantity": QUANTITY,
        }
        return {**asdict(self), "body": body}


def arrivals(plan: StressPlan, run: str) -> Iterator[Arrival]:
    """Yield the requests of a run in the order of their intended times.

    Instants are a Poisson process; with bursts, each instant brings `burst_size` requests and the rate stays.

    Args:
        plan: What to send.
        run: The run's id; it stands before every key.
    """
    random = Random(plan.seed)
    operations, weights = list(plan.mix), list(plan.mix.values())
    number, at = 0, 0.0
    while True:
        at += random.expovariate(plan.rate_per_second / plan.burst_size)
        if at >= plan.duration_seconds:
            return
        for _ in range(plan.burst_size):
            operation = random.choices(operations, weights)[0]
            symbol = random.choice(plan.symbols)
            fault = _fault(plan, random.random())
            repeats = 2 if random.random() < plan.repeat_ratio and operation == "signal" else 1
            key = f"{run}-{number:07d}"
            yield Arrival(key, at, operation, symbol, fault if operation == "signal" else None, repeats)
            number += 1


def _fault(plan: StressPlan, drawn: float) -> str | None:
    limits = accumulate(plan.faults.values())
    return next((name for name, limit in zip(plan.faults, limits, strict=True) if drawn < limit), None)
