"""Records that this process lost and that the metrics service does not know of yet."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping

from seatrial_core.json_types import Json

EVENT_TYPE = "dropped"


class UnreportedLosses:
    """Sums lost records by reason until they are sent; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._names: Mapping[str, str] | None = None

    def __bool__(self) -> bool:
        return bool(self._counts) and self._names is not None

    def name(self, names: Mapping[str, str]) -> None:
        """Send losses under the engine, account and environment of the first collector."""
        self._names = self._names or names

    def add(self, reason: str, number: int) -> None:
        """Add lost records."""
        with self._lock:
            self._counts[reason] += number

    def take(self) -> list[Json]:
        """Return the events that report what was lost since the last call."""
        if not self:
            return []
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return [
            {"type": EVENT_TYPE, **(self._names or {}), "reason": reason, "count": number}
            for reason, number in counts.items()
        ]

    def put_back(self, events: Iterable[Json]) -> int:
        """Report again what the lost events among these have reported; return how many others were lost."""
        others = 0
        for event in events:
            if event.get("type") == EVENT_TYPE:
                self.add(event["reason"], event["count"])
            else:
                others += 1
        return others

    def renew(self) -> None:
        """Start empty in a forked child; the parent reports its own losses."""
        self._lock = threading.Lock()
        self._counts = Counter()
