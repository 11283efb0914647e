"""Attacks on the webhook: repeated, altered and forged deliveries."""

import json

from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import WEBHOOK_SECRET, AttackedStack

from seatrial_core.clock import SystemClock
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign


@attack(
    "Repeat a signed webhook with its timestamp T written as 0T, 00T and +T, and unchanged",
    expects="200, 401, 401, 401, 200; 1 order",
)
def test_repeated_webhook(stack: AttackedStack) -> str:
    account = "repeated-webhook"
    order = {"symbol": "X", "action": "buy", "price": "100", "quantity": "1", "account": account}
    body = json.dumps(order).encode()
    now = int(SystemClock().now().timestamp())
    signature = sign(WEBHOOK_SECRET, body, now)
    with stack.client("engine") as client:
        statuses = [
            client.post(
                "/webhook", content=body, headers={TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: signature}
            ).status_code
            for timestamp in (str(now), f"0{now}", f"00{now}", f"+{now}", str(now))
        ]
        orders = client.get("/v1/orders", params={"account": account}).json()["items"]
    return f"{', '.join(map(str, statuses))}; {len(orders)} order"
