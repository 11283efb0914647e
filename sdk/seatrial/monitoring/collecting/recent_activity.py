"""Trades, API calls and errors of the last five minutes, in buckets of five seconds."""

import threading
from collections import Counter, deque

BUCKET_SECONDS = 5.0
RETENTION_SECONDS = 300.0
MAX_ENDPOINTS = 200


class ActivityBucket:
    """Five seconds of activity."""

    __slots__ = ("counts", "number", "slowest")

    def __init__(self, number: int) -> None:
        self.number = number
        self.counts: Counter[str] = Counter()
        self.slowest: dict[str, float] = {}


class RecentActivity:
    """Counts trades, API calls and errors of the last five minutes; `now` is a monotonic time in seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: deque[ActivityBucket] = deque(maxlen=int(RETENTION_SECONDS / BUCKET_SECONDS) + 1)

    def trade(self, now: float) -> None:
        """Count one trade."""
        with self._lock:
            self._bucket(now).counts["trades"] += 1

    def error(self, now: float) -> None:
        """Count one recorded error."""
        with self._lock:
            self._bucket(now).counts["errors"] += 1

    def call(self, now: float, endpoint: str, seconds: float, ok: bool) -> None:
        """Count one API call."""
        with self._lock:
            bucket = self._bucket(now)
            bucket.counts["calls"] += 1
            bucket.counts["failed_calls"] += not ok
            if endpoint in bucket.slowest or len(bucket.slowest) < MAX_ENDPOINTS:
                bucket.slowest[endpoint] = max(seconds, bucket.slowest.get(endpoint, 0.0))

    def slowest_by_endpoint(self, now: float, window_seconds: float = 60.0) -> dict[str, float]:
        """Return the slowest call of each endpoint in the window, in seconds."""
        slowest: dict[str, float] = {}
        with self._lock:
            for bucket in self._since(now, window_seconds):
                for endpoint, seconds in bucket.slowest.items():
                    slowest[endpoint] = max(seconds, slowest.get(endpoint, 0.0))
        return slowest

    def counts(self, now: float, window_seconds: float = RETENTION_SECONDS) -> Counter[str]:
        """Return `trades`, `calls`, `failed_calls` and `errors` of the window."""
        total: Counter[str] = Counter()
        with self._lock:
            for bucket in self._since(now, window_seconds):
                total.update(bucket.counts)
        return total

    def renew_lock(self) -> None:
        """Make a new lock, in a forked child."""
        self._lock = threading.Lock()

    def _bucket(self, now: float) -> ActivityBucket:
        number = int(now // BUCKET_SECONDS)
        if not self._buckets or self._buckets[-1].number < number:
            self._buckets.append(ActivityBucket(number))
        return self._buckets[-1]

    def _since(self, now: float, window_seconds: float) -> list[ActivityBucket]:
        oldest = (now - window_seconds) // BUCKET_SECONDS
        return [bucket for bucket in self._buckets if bucket.number >= oldest]
