"""Notifications have one key per transition and channel, and a post that the receiver can verify."""

from datetime import UTC, datetime

import pytest

from seatrial_core.alerting import AlertDecision, AlertState, Transition, default_rules
from seatrial_core.notifications import IDEMPOTENCY_HEADER, AlertTransitionRef, of_transition, webhook_post
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, verify

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SECRET = "a-secret-of-the-tests"


def key(
    alert: str = "a1", number: int = 1, transition: Transition = Transition.FIRING, channel: str = "webhook"
) -> str:
    decision = AlertDecision(AlertState(), transition, "0.2 is above 0.1")
    ref = AlertTransitionRef(alert, number, "live", "portfolio", NOW)
    return of_transition(default_rules()[0], decision, ref, channel).key


def test_every_attempt_for_a_transition_has_one_key() -> None:
    assert key() == key()


@pytest.mark.parametrize(
    "other",
    [
        key(alert="a2"),
        key(number=2),  # a repeated notification of the same alert
        key(transition=Transition.RESOLVED),
        key(channel="mail"),
    ],
)
def test_another_transition_or_channel_has_another_key(other: str) -> None:
    assert other != key()


def test_a_post_carries_its_key_and_a_signature_of_its_body() -> None:
    post = webhook_post({"key": "a1/1/firing/webhook", "value": 0.2}, SECRET, NOW)

    assert post.headers[IDEMPOTENCY_HEADER] == "a1/1/firing/webhook"
    stamp, signature = post.headers[TIMESTAMP_HEADER], post.headers[SIGNATURE_HEADER]
    assert verify(SECRET, post.body, stamp, signature, now=int(NOW.timestamp())) is None


def test_a_post_without_a_secret_is_unsigned() -> None:
    post = webhook_post({"key": "a1/1/firing/webhook"}, "", NOW)

    assert {SIGNATURE_HEADER, TIMESTAMP_HEADER} & post.headers.keys() == set()


def test_a_recovery_does_not_read_like_a_breach() -> None:
    ref = AlertTransitionRef("a1", 2, "live", "portfolio", NOW)
    decision = AlertDecision(AlertState(), Transition.RESOLVED, "0.07 is not above 0.1: recovered")

    summary = of_transition(default_rules()[0], decision, ref).summary

    assert summary.startswith("Recovered from: The drawdown from the equity peak is above its limit. [portfolio] 0.07")
