"""Sums the recent activity of accounts and endpoints."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from seatrial_metrics.counters import SecondCount

ERROR_WINDOW = timedelta(minutes=5)
SLOW_CALL_WINDOW = timedelta(seconds=60)


@dataclass(frozen=True)
class ActivityWindow:
    """The recent activity of one account and endpoint, as stored.

    Args:
        environment: Where it happened.
        account: Whose it was.
        endpoint: Empty for everything but API calls.
        counts: The counts of the error window, and the slowest call of the slow-call window.
        has_calls: Whether the endpoint was called in the last hour.
    """

    environment: str
    account: str
    endpoint: str
    counts: SecondCount
    has_calls: bool


def windows_by_account(activity: Iterable[ActivityWindow]) -> Mapping[tuple[str, str], SecondCount]:
    """Return the counts of the error window by (environment, account)."""
    windows: dict[tuple[str, str], SecondCount] = {}
    for row in activity:
        _add(windows.setdefault((row.environment, row.account), SecondCount()), row.counts)
    return windows


def window(windows: Mapping[tuple[str, str], SecondCount], environment: str, account: str | None = None) -> SecondCount:
    """Return the counts of the error window of an account, or of all accounts of an environment."""
    total = SecondCount()
    for (window_environment, window_account), counts in windows.items():
        if window_environment == environment and account in (None, window_account):
            _add(total, counts)
    return total


def slowest_calls(activity: Iterable[ActivityWindow]) -> Mapping[tuple[str, str], Decimal | None]:
    """Return the slowest recent call in seconds by (environment, endpoint); None without a recent call."""
    slowest: dict[tuple[str, str], Decimal | None] = {}
    for row in activity:
        if row.has_calls:
            key = (row.environment, row.endpoint)
            durations = [value for value in (slowest.get(key), row.counts.slowest_seconds) if value is not None]
            slowest[key] = max(durations, default=None)
    return slowest


def _add(total: SecondCount, counts: SecondCount) -> None:
    total.trades += counts.trades
    total.api_calls += counts.api_calls
    total.failed_calls += counts.failed_calls
    total.errors += counts.errors
