"""Attacks of somebody who has no token."""

from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import AttackedStack

PATHS = {
    "engine": "/v1/orders",
    "metrics": "/v1/events",
    "alerts": "/v1/rules",
    "backtest": "/v1/datasets",
    "stress": "/v1/runs",
}


@attack("Call each service without a token", expects="401 from all five")
def test_no_token(stack: AttackedStack) -> str:
    statuses = set()
    for service, path in PATHS.items():
        with stack.client(service, token="") as client:
            statuses.add(client.get(path).status_code)
    return f"{statuses.pop()} from all five" if len(statuses) == 1 else f"{sorted(statuses)}"
