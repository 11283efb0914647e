"""The schedule of a run: a function of plan and seed, independent of the answers (open loop)."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import accumulate, islice
from random import Random

from seatrial_core.contracts.stress import Operation, StressPlan

PRICE = "100"
QUANTITY = "0.01"


@dataclass(frozen=True)
class Arrival:
    """One request.

    Args:
        key: The client order id, unique across runs.
        at_seconds: Its intended time in seconds from the start of the run.
        operation: The route it is sent to.
        symbol: The traded symbol.
        fault: The fault that the exchange injects.
        repeats: How often it is sent, each time with the same body.
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

    Arrival times are a Poisson process; a burst has `burst_size` requests at one time and leaves the rate unchanged.

    Args:
        plan: What to send.
        run: The run's id, the prefix of every key.
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


def part(plan: StressPlan, run: str, worker: int, workers: int) -> Iterator[Arrival]:
    """Yield one worker's part of the requests of a run: every `workers`-th, from number `worker`."""
    return islice(arrivals(plan, run), worker, None, workers)


def expected_requests(plan: StressPlan) -> float:
    """Return how many requests a plan sends on average, counting repeats; known without making its schedule."""
    return plan.rate_per_second * plan.duration_seconds * (1 + plan.repeat_ratio)


def count(plan: StressPlan, run: str) -> tuple[int, int]:
    """Return how many requests the schedule of a run holds, and how many of them are sent twice."""
    scheduled = repeats = 0
    for arrival in arrivals(plan, run):
        scheduled += 1
        repeats += arrival.repeats - 1
    return scheduled, repeats


def _fault(plan: StressPlan, draw: float) -> str | None:
    limits = accumulate(plan.faults.values())
    return next((name for name, limit in zip(plan.faults, limits, strict=True) if draw < limit), None)
