"""The demo's receiver believes signed notifications only, and counts each once."""

import json

import httpx

from seatrial.stack.demo.receiver import NotificationReceiver, ReceivedNotification
from seatrial_core.clock import SystemClock
from seatrial_core.signing import sign


def _post(receiver: NotificationReceiver, key: str, secret: str) -> int:
    body = json.dumps({"rule": "max_drawdown", "state": "firing"}).encode()
    now = int(SystemClock().now().timestamp())
    headers = {
        "X-Seatrial-Timestamp": str(now),
        "X-Seatrial-Signature": sign(secret, body, now),
        "Idempotency-Key": key,
    }
    return httpx.post(receiver.url, content=body, headers=headers).status_code


def test_signed_notifications_are_kept_once_and_forged_ones_refused() -> None:
    received: list[ReceivedNotification] = []
    receiver = NotificationReceiver("the-secret", received.append)
    receiver.start()
    try:
        answers = [
            _post(receiver, "a", "the-secret"),
            _post(receiver, "a", "the-secret"),
            _post(receiver, "b", "forged"),
        ]
    finally:
        receiver.stop()

    assert answers == [200, 200, 401]
    assert [(one.key, one.rule, one.state) for one in received] == [("a", "max_drawdown", "firing")]
    assert len(receiver.deliveries) == 1
    assert "does not match" in receiver.refused[0]
