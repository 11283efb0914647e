"""Windows of recent activity, histograms and opening balances."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from seatrial_core import catalog
from seatrial_core.contracts.events import EVENT
from seatrial_metrics.activity import ActivityWindow, slowest_calls, window, windows_by_account
from seatrial_metrics.counters import CounterKey, Family, SecondCount, count_events
from seatrial_metrics.equity import AccountEquity
from seatrial_metrics.scopes import total, total_count

START = datetime(2026, 11, 23, tzinfo=UTC)


def activity(account: str, errors: int = 0, slowest: str | None = None, endpoint: str = "") -> ActivityWindow:
    """Return one row of the recent activity."""
    seconds = None if slowest is None else Decimal(slowest)
    return ActivityWindow("live", account, endpoint, SecondCount(errors=errors, slowest_seconds=seconds), True)


def test_error_window_of_an_account_has_its_own_errors_only() -> None:
    windows = windows_by_account([activity("a", errors=3), activity("b", errors=5), activity("a", errors=1)])

    assert window(windows, "live", "a").errors == 4
    assert window(windows, "live").errors == 9
    assert window(windows, "paper", "a").errors == 0


@pytest.mark.parametrize("order", list(permutations(["0.5", "9", "2"])))
def test_slowest_call_does_not_depend_on_the_order(order: Sequence[str]) -> None:
    rows = [activity("a", slowest=seconds, endpoint="orders") for seconds in order]
    calls = [
        {"id": seconds, "type": "api_call", "occurred_at": START, "endpoint": "orders", "seconds": float(seconds)}
        for seconds in order
    ]

    (second,) = count_events([EVENT.validate_python(call) for call in calls]).seconds.values()

    assert slowest_calls(rows) == {("live", "orders"): 9}
    assert second.slowest_seconds == 9


@pytest.mark.parametrize("bound", catalog.API_REQUEST_DURATION.buckets)
def test_observation_on_a_bound_is_in_the_bucket_of_that_bound(bound: float) -> None:
    call = {"id": "c", "type": "api_call", "occurred_at": START, "endpoint": "orders", "seconds": bound}
    index = catalog.API_REQUEST_DURATION.buckets.index(bound)

    counters = count_events([EVENT.validate_python(call)]).counters

    assert counters[CounterKey("live", Family.API_REQUEST_DURATION, "orders", str(index))] == 1


@pytest.mark.parametrize("order", list(permutations([0, 1, 2])))
def test_earliest_opening_balance_counts_in_any_order(order: Sequence[int]) -> None:
    account = AccountEquity("a")
    for hours in order:
        account = account.open(Decimal(100 + hours), "USD", "UTC", START + timedelta(hours=hours))

    assert (account.opening_balance, account.opened_at) == (Decimal(100), START)


def test_sum_with_an_unknown_part_is_unknown() -> None:
    assert total([Decimal(5), None]) is None
    assert total_count([2, None]) is None
    assert total([Decimal(5), Decimal(0)]) == 5
    assert total_count([2, 0]) == 2
