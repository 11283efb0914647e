"""Attacks with text and numbers that a database or a parser cannot hold."""

import json
import time

from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import AttackedStack

CURSORS = (("engine", "/v1/orders"), ("metrics", "/v1/events"))
JSON = {"Content-Type": "application/json"}


@attack("Send orders whose symbol holds NUL or half a surrogate pair", expects="422 naming symbol; 422 naming symbol")
def test_symbol(stack: AttackedStack) -> str:
    answers = []
    with stack.client("engine") as client:
        for symbol in ("\\u0000", "\\ud800"):
            body = '{"symbol": "A' + symbol + '", "action": "buy", "price": "1", "quantity": "1"}'
            answer = client.post("/v1/signals", content=body, headers=JSON)
            answers.append(f"{answer.status_code} naming {'symbol' if 'symbol' in answer.text else answer.text}")
    return "; ".join(answers)


@attack("Send NUL in every filter of every service", expects="422 each, 20 filters or more")
def test_filters(stack: AttackedStack) -> str:
    others = []
    count = 0
    for service in stack.urls:
        with stack.client(service) as client:
            for path, operations in client.get("/openapi.json").json()["paths"].items():
                for parameter in operations.get("get", {}).get("parameters", []):
                    if parameter["in"] != "query" or "{" in path:
                        continue
                    count += 1
                    answer = client.get(f"{path}?{parameter['name']}=a%00b")
                    if answer.status_code != 422:
                        others.append(f"{service} {path} {parameter['name']}: {answer.status_code}")
    return "; ".join(others) or f"422 each, {'20 filters or more' if count >= 20 else count}"


@attack("Ask for a page behind a cursor beyond 64 bits", expects="422 each")
def test_cursor(stack: AttackedStack) -> str:
    others = []
    for service, path in CURSORS:
        with stack.client(service) as client:
            answer = client.get(f"{path}?cursor={2**64}")
        if answer.status_code != 422:
            others.append(f"{path}: {answer.status_code} {answer.text[:100]}")
    return "; ".join(others) or "422 each"


@attack("Hide an event of the year 1 among honest ones", expects="202; rejected 1 of 3, the second")
def test_event_of_the_year_one(stack: AttackedStack) -> str:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    moments = (now, "0001-01-01T00:00:00+23:59", now)
    batch = [
        {"id": f"year-one-{n}", "type": "heartbeat", "engine": "year-one", "occurred_at": moment}
        for n, moment in enumerate(moments)
    ]
    with stack.client("metrics") as client:
        answer = client.post("/v1/events", content=json.dumps(batch), headers=JSON)
    rejected = answer.json()["rejected"]
    which = "the second" if [item["index"] for item in rejected] == [1] else answer.text
    return f"{answer.status_code}; rejected {len(rejected)} of {len(batch)}, {which}"
