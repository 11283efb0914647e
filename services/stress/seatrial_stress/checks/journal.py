"""What was meant, sent and answered, read back from the lines that the load generator wrote."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class OrderOutcome(StrEnum):
    """What became of a request: acknowledged, definitely refused, or nobody knows."""

    OK = "ok"
    FAIL = "fail"
    INFO = "info"


@dataclass(frozen=True)
class OrderAttempt:
    """One sending of a request, times in seconds from the start of the run; INFO until something else is known."""

    key: str
    operation: str
    fault: str | None
    number: int
    intended: float
    sent: float
    finished: float | None = None
    outcome: OrderOutcome = OrderOutcome.INFO
    order_id: str | None = None
    order_status: str | None = None
    reason: str | None = None

    @property
    def response_seconds(self) -> float:
        """Return the seconds from the intended time to the answer; infinite without one."""
        return math.inf if self.finished is None else self.finished - self.intended

    @property
    def service_seconds(self) -> float:
        """Return the seconds from sending to the answer; infinite without one."""
        return math.inf if self.finished is None else self.finished - self.sent

    @property
    def lag_seconds(self) -> float:
        """Return how late the generator sent it."""
        return self.sent - self.intended


@dataclass(frozen=True)
class Journal:
    """All attempts of a run, and what in the journal cannot be."""

    attempts: tuple[OrderAttempt, ...] = ()
    problems: tuple[str, ...] = ()


def read(lines: Iterable[str]) -> Journal:
    """Join intents and outcomes; a torn last line is a problem to name, not an error to raise."""
    found: dict[tuple[str, int], OrderAttempt] = {}
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            name = (row["key"], row["number"])
            if row["event"] == "intent":
                if name in found:
                    problems.append(f"line {number}: {row['key']} was intended twice")
                found[name] = _intent(row)
            elif name not in found:
                problems.append(f"line {number}: {row['key']} was answered before it was intended")
            else:
                found[name] = _answered(found[name], row)
        except (ValueError, KeyError, TypeError) as error:
            problems.append(f"line {number} cannot be read ({type(error).__name__})")
    return Journal(tuple(found.values()), tuple(problems))


def counts(attempts: Sequence[OrderAttempt]) -> Mapping[str, int]:
    """Return how many attempts were sent and how each kind ended."""
    found = {outcome.value: 0 for outcome in OrderOutcome}
    for attempt in attempts:
        found[attempt.outcome.value] += 1
    return {"sent": len(attempts), **found}


def _intent(row: Mapping[str, Any]) -> OrderAttempt:  # Any: JSON
    return OrderAttempt(
        row["key"], row["operation"], row["fault"], row["number"], float(row["intended"]), float(row["sent"])
    )


def _answered(attempt: OrderAttempt, row: Mapping[str, Any]) -> OrderAttempt:  # Any: JSON
    return replace(
        attempt,
        finished=None if row["finished"] is None else float(row["finished"]),
        outcome=OrderOutcome(row["outcome"]),
        order_id=row["order_id"],
        order_status=row["order_status"],
        reason=row["reason"],
    )
