"""Reads what a load process wrote down: every intent before it was sent, every outcome after."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What an answer says about the order: it is there, it is not, or nobody knows."""

    OK = "ok"
    FAIL = "fail"
    INFO = "info"


@dataclass(frozen=True)
class Entry:
    """One order as the load saw it; instants in seconds since the start, NaN where there is none."""

    key: str
    intended: float
    sent: float = math.nan
    ended: float = math.nan
    outcome: Outcome = Outcome.INFO
    status: int = 0
    detail: str = ""

    @property
    def response_seconds(self) -> float:
        """Return the latency from the intended send time; infinite when there was no answer."""
        return self.ended - self.intended if self.outcome is not Outcome.INFO or self.status else math.inf

    @property
    def lag_seconds(self) -> float:
        """Return how late it was sent; infinite when it never was."""
        return self.sent - self.intended if not math.isnan(self.sent) else math.inf


def read(lines: Iterable[str]) -> list[Entry]:
    """Return the entries of a journal; a last line that was cut by a kill is left out."""
    intents: dict[str, Entry] = {}
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        key = str(record["key"])
        if record["type"] == "intent":
            intents[key] = Entry(key, float(record["intended"]), float(record["sent"]))
        elif key in intents:
            before = intents[key]
            intents[key] = Entry(
                key,
                before.intended,
                before.sent,
                float(record["ended"]),
                Outcome(record["outcome"]),
                int(record["status"]),
                str(record.get("detail", ""))[:200],
            )
    return list(intents.values())
