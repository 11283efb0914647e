"""Attacks with numbers, lists and depths that would cost the service more than the caller."""

import time
from typing import Any

from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import AttackedStack

DEEP_RULES: dict[str, Any] = {"gt": ["close", 1]}
for _ in range(20):
    DEEP_RULES = {"not": DEEP_RULES}
BOMBS: tuple[tuple[str, str, str, dict[str, Any], str], ...] = (
    (
        "backtest",
        "POST",
        "/v1/backtests",
        {"dataset": "a" * 64, "strategy": "sma_cross", "params": {f"p{n}": 1 for n in range(1_000)}},
        "params",
    ),
    (
        "backtest",
        "POST",
        "/v1/backtests",
        {"dataset": "a" * 64, "strategy": "sma_cross", "params": {"fast": 5, "slow": 10**9}},
        "slow",
    ),
    ("backtest", "POST", "/v1/backtests", {"dataset": "a" * 64, "rules": {"version": 1, "entry": DEEP_RULES}}, "entry"),
    (
        "backtest",
        "POST",
        "/v1/backtests",
        {"dataset": "a" * 64, "rules": {"version": 1, "entry": list(range(50_000))}},
        "rules",
    ),
    ("engine", "POST", "/v1/replays", {"id": "bomb", "accounts": [], "bars_per_second": 1e-300}, "bars_per_second"),
    ("alerts", "PUT", "/v1/thresholds", {f"name_{n}": 1 for n in range(1_000)}, "body"),
)
FAST_SECONDS = 2.0


@attack("Start a stress plan of 2,000 requests per second for an hour", expects="422 within 2 s naming the limit")
def test_large_plan(stack: AttackedStack) -> str:
    body = {"plan": "high_frequency", "rate_per_second": 2_000, "duration_seconds": 3_600}
    started = time.monotonic()
    with stack.client("stress") as client:
        answer = client.post("/v1/runs", json=body)
    within = "within" if time.monotonic() - started < FAST_SECONDS else "after"
    named = "naming the limit" if "at most 250,000" in answer.text else answer.text
    return f"{answer.status_code} {within} {FAST_SECONDS:g} s {named}"


@attack("Start the largest stress plan that is allowed", expects="202, then health within 2 s; cancelled at once")
def test_largest_allowed_plan(stack: AttackedStack) -> str:
    body = {"plan": "high_frequency", "rate_per_second": 69, "duration_seconds": 3_600, "target": stack.urls["engine"]}
    with stack.client("stress") as client:
        answer = client.post("/v1/runs", json=body)
        slowest = 0.0
        for _ in range(10):
            started = time.monotonic()
            client.get("/health/live").raise_for_status()
            slowest = max(slowest, time.monotonic() - started)
        cancelled = client.delete(f"/v1/runs/{answer.json()['id']}").json()["status"]
    health = "within" if slowest < FAST_SECONDS else "after"
    return f"{answer.status_code}, then health {health} {FAST_SECONDS:g} s; {cancelled} at once"


@attack("Send lists, numbers and nesting without end to each service", expects="422 naming the field, all within 2 s")
def test_endless_fields(stack: AttackedStack) -> str:
    others = []
    for service, method, path, body, field in BOMBS:
        started = time.monotonic()
        with stack.client(service) as client:
            answer = client.request(method, path, json=body)
        if answer.status_code != 422 or field not in answer.text or time.monotonic() - started > FAST_SECONDS:
            others.append(f"{path} {field}: {answer.status_code} {answer.text[:200]}")
    return "; ".join(others) or "422 naming the field, all within 2 s"
