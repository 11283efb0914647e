"""Exponential back-off doubles its pause up to a limit."""

from random import Random

from seatrial_core.backoff import ExponentialBackoff


def test_the_pause_doubles_up_to_the_limit() -> None:
    backoff = ExponentialBackoff(first_seconds=0.5, max_seconds=3.0)

    assert [backoff.pause_seconds(failures) for failures in range(5)] == [0.0, 0.5, 1.0, 2.0, 3.0]


def test_many_failures_do_not_overflow() -> None:
    assert ExponentialBackoff(0.1, 5.0).pause_seconds(1_000_000) == 5.0


def test_jitter_keeps_at_least_half_of_the_pause() -> None:
    backoff, jitter = ExponentialBackoff(2.0, 60.0), Random(7)

    pauses = [backoff.pause_seconds(1, jitter) for _ in range(200)]

    assert 1.0 <= min(pauses) < 1.1
    assert 1.9 < max(pauses) <= 2.0
