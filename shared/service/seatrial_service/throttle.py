"""Limits the refused attempts of a source, in bounded memory."""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

BURST = 20
PER_SECOND = 0.2
MAX_SOURCES = 4_096
ANNOUNCE_SECONDS = 60.0


@dataclass
class FailureBudget:
    """The attempts a source may still fail at an instant, and when its throttling was last announced."""

    left: float
    at: float
    announced_at: float | None = None


@dataclass(frozen=True)
class ThrottledAttempt:
    """An attempt beyond the budget: how long to wait, and whether a log line is due."""

    wait_seconds: float
    is_announced: bool


class FailureThrottle:
    """A budget of refused attempts per source: `burst` at once, then `per_second`.

    Args:
        burst: Attempts that may fail at once.
        per_second: How fast the budget fills again.
        max_sources: Sources remembered; beyond it the one that failed longest ago is forgotten.
    """

    def __init__(self, *, burst: int = BURST, per_second: float = PER_SECOND, max_sources: int = MAX_SOURCES) -> None:
        self._burst = burst
        self._per_second = per_second
        self._max_sources = max_sources
        self._budgets: OrderedDict[str, FailureBudget] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of sources remembered."""
        return len(self._budgets)

    def fail(self, source: str, now: float) -> ThrottledAttempt | None:
        """Take one failed attempt from a source's budget; return a result if it exceeds the budget.

        Args:
            source: Whose attempt failed.
            now: Monotonic seconds.
        """
        budget = self._budgets.setdefault(source, FailureBudget(float(self._burst), now))
        self._budgets.move_to_end(source)
        while len(self._budgets) > self._max_sources:
            self._budgets.popitem(last=False)
        budget.left = min(float(self._burst), budget.left + (now - budget.at) * self._per_second)
        budget.at = now
        if budget.left >= 1.0:
            budget.left -= 1.0
            return None
        is_due = budget.announced_at is None or now - budget.announced_at >= ANNOUNCE_SECONDS
        if is_due:
            budget.announced_at = now
        return ThrottledAttempt((1.0 - budget.left) / self._per_second, is_due)


class PeriodLimit:
    """A number of occasions in each period, from all sources together.

    Args:
        number: How many are allowed.
        seconds: The length of a period.
    """

    def __init__(self, number: int, seconds: float) -> None:
        self._number = number
        self._seconds = seconds
        self._period: int | None = None
        self._count = 0

    def allows(self, now: float) -> bool:
        """Count an occasion at a monotonic instant, and return whether it is within the limit."""
        period = int(now // self._seconds)
        if period != self._period:
            self._period, self._count = period, 0
        self._count += 1
        return self._count <= self._number


def source_group(address: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return address
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network(f"{ip.exploded}/64", strict=False)) if not ip.scope_id else address
