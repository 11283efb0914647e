"""Requests and their outcomes, read from the lines that the load generator journals."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class OrderOutcome(StrEnum):
    """Outcome of a request: acknowledged, definitely refused, or indeterminate."""

    OK = "ok"
    FAIL = "fail"
    INFO = "info"


@dataclass(frozen=True)
class OrderAttempt:
    """One request as sent, times in seconds from the start of the run; INFO until an outcome is journalled."""

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
        """Return the seconds from the intended time to sending."""
        return self.sent - self.intended


@dataclass(frozen=True)
class Journal:
    """All attempts of a run, and the lines that are unreadable or contradictory."""

    attempts: tuple[OrderAttempt, ...] = ()
    problems: tuple[str, ...] = ()


def read(lines: Iterable[str]) -> Journal:
    """Join intents and outcomes; an unreadable line is reported in `problems`, not raised."""
    attempts: dict[tuple[str, int], OrderAttempt] = {}
    problems: list[str] = []
    for line_number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            attempt_key = (row["key"], row["number"])
            if row["event"] == "intent":
                if attempt_key in attempts:
                    problems.append(f"line {line_number}: {row['key']} has two intents")
                attempts[attempt_key] = _parse_intent(row)
            elif attempt_key not in attempts:
                problems.append(f"line {line_number}: {row['key']} has an outcome without an intent")
            else:
                attempts[attempt_key] = _with_outcome(attempts[attempt_key], row)
        except (ValueError, KeyError, TypeError) as error:
            problems.append(f"line {line_number} cannot be read ({type(error).__name__})")
    return Journal(tuple(attempts.values()), tuple(problems))


def counts(attempts: Sequence[OrderAttempt]) -> Mapping[str, int]:
    """Return the number of attempts sent and of each outcome."""
    by_outcome = {outcome.value: 0 for outcome in OrderOutcome}
    for attempt in attempts:
        by_outcome[attempt.outcome.value] += 1
    return {"sent": len(attempts), **by_outcome}


def _parse_intent(row: Mapping[str, Any]) -> OrderAttempt:  # Any: JSON
    return OrderAttempt(
        row["key"], row["operation"], row["fault"], row["number"], float(row["intended"]), float(row["sent"])
    )


def _with_outcome(attempt: OrderAttempt, row: Mapping[str, Any]) -> OrderAttempt:  # Any: JSON
    return replace(
        attempt,
        finished=None if row["finished"] is None else float(row["finished"]),
        outcome=OrderOutcome(row["outcome"]),
        order_id=row["order_id"],
        order_status=row["order_status"],
        reason=row["reason"],
    )
