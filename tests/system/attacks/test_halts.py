"""Attacks on the emergency halt: orders that the database refuses, sent without end at the same time."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import httpx
import psycopg
from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import AttackedStack

HALTS = 20
SENDERS = 4
MAX_HALT_SECONDS = 2.0
REFUSED = "refused-by-the-database"
ACCOUNT = "during-a-halt"
COMMAND = {"actor": "risk desk", "reason": "an attack"}


class Answer(NamedTuple):
    """The answer to one order: when it was sent and answered, the HTTP status and the order's."""

    sent_at: float
    at: float
    code: int
    status: str


@contextmanager
def _database_refuses_some_orders(url: str) -> Iterator[None]:
    """Let the database refuse the orders of one strategy, as it refused a text with NUL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"ALTER TABLE engine.orders ADD CONSTRAINT attacked CHECK (strategy <> '{REFUSED}') NOT VALID".encode()
        )
        try:
            yield
        finally:
            connection.execute(b"ALTER TABLE engine.orders DROP CONSTRAINT attacked")


@contextmanager
def _orders_without_end(stack: AttackedStack) -> Iterator[list[Answer]]:
    """Send refused and accepted orders from several threads; yield their answers."""
    ended = threading.Event()
    answers: list[Answer] = []

    def send(sender: int) -> None:
        with stack.client("engine") as client:
            while not ended.is_set():
                strategy = REFUSED if len(answers) % 2 else "honest"
                order = {"symbol": "X", "action": "buy", "price": "1", "quantity": "0.001", "account": ACCOUNT}
                sent_at = time.monotonic()
                response = client.post("/v1/signals", json={**order, "strategy": strategy})
                status = response.json().get("status") if response.status_code == 200 else ""
                answers.append(Answer(sent_at, time.monotonic(), response.status_code, str(status)))

    with ThreadPoolExecutor(SENDERS) as pool:
        senders = [pool.submit(send, number) for number in range(SENDERS)]
        try:
            yield answers
        finally:
            ended.set()
            for sender in senders:
                sender.result()


def _timed(client: httpx.Client, path: str) -> tuple[int, float]:
    started_at = time.monotonic()
    return client.post(path, json=COMMAND).status_code, time.monotonic() - started_at


@attack(
    "Send orders that the database refuses, without end, during 20 emergency halts",
    expects="20 of 20 halts took effect within 2 s; 0 orders sent after one were filled",
)
def test_halts_during_refused_orders(quiet_stack: AttackedStack) -> str:
    effective = 0
    halted: list[tuple[float, float]] = []
    slowest = 0.0
    with (
        _database_refuses_some_orders(quiet_stack.database_url),
        _orders_without_end(quiet_stack) as answers,
        quiet_stack.client("engine") as client,
    ):
        try:
            for _ in range(HALTS):
                status, seconds = _timed(client, "/v1/control/halt")
                halted_at = time.monotonic()
                slowest = max(slowest, seconds)
                state = client.get("/v1/control").json()["state"]
                effective += status == 200 and state == "halted"
                time.sleep(0.05)
                halted.append((halted_at, time.monotonic()))
                assert _timed(client, "/v1/control/resume")[0] == 200
                time.sleep(0.05)
        finally:
            _timed(client, "/v1/control/resume")
    assert {answer.code for answer in answers} == {200, 503}, "the database refused no order"
    filled = [answer for answer in answers if answer.status == "filled"]
    assert filled, "no order was filled between the halts"
    late = [answer for answer in filled if any(begin < answer.sent_at and answer.at < end for begin, end in halted)]
    within = f"within {MAX_HALT_SECONDS:.0f} s" if slowest < MAX_HALT_SECONDS else f"after {slowest:.1f} s"
    return f"{effective} of {HALTS} halts took effect {within}; {len(late)} orders sent after one were filled"
