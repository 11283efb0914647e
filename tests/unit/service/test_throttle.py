"""Refused attempts have a budget per source, in bounded memory."""

import pytest

from seatrial_service.throttle import FailureThrottle, source_group


def test_a_source_may_fail_a_number_of_times_then_waits() -> None:
    throttle = FailureThrottle(burst=3, per_second=0.5)

    results = [throttle.fail("a", 0.0) for _ in range(4)]

    assert results[:3] == [None, None, None]
    assert results[3] is not None
    assert results[3].wait_seconds == pytest.approx(2.0)
    assert throttle.fail("b", 0.0) is None


def test_the_budget_fills_again_and_never_beyond_its_size() -> None:
    throttle = FailureThrottle(burst=2, per_second=0.5)
    for _ in range(5):
        throttle.fail("a", 0.0)

    assert throttle.fail("a", 1.9) is not None
    assert throttle.fail("a", 2.1) is None
    assert [throttle.fail("a", 1e6) is None for _ in range(3)] == [True, True, False]


def test_throttling_is_announced_once_a_minute() -> None:
    throttle = FailureThrottle(burst=1, per_second=1e-6)
    throttle.fail("a", 0.0)

    announced = [throttled.is_announced for at in (1.0, 2.0, 60.9, 61.0, 62.0) if (throttled := throttle.fail("a", at))]

    assert announced == [True, False, False, True, False]


def test_a_million_sources_take_bounded_memory() -> None:
    throttle = FailureThrottle(max_sources=100)

    for number in range(10_000):
        throttle.fail(f"source {number}", 0.0)

    assert len(throttle) == 100


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unknown", "unknown"),
    ],
)
def test_addresses_of_one_ipv6_network_are_one_source(address: str, group: str) -> None:
    assert source_group(address) == group
