"""Attacks on the webhook: repeated, altered and forged deliveries."""

import json
from collections import Counter
from typing import LiteralString

import httpx
import psycopg
from psycopg import sql
from tests.support.waiting import wait_until
from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import WEBHOOK_SECRET, AttackedStack

from seatrial_core.clock import SystemClock
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

MARKER = "forged-webhook"
FORGED = 1_500
HONEST = 15
MEGABYTE = 1 << 20
GROWTH_MEGABYTES = 60
WEBHOOK_EVENTS = "SELECT count(*) FROM metrics.events WHERE type = 'webhook'"
TABLES = """
SELECT table_schema, table_name FROM information_schema.tables
WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
"""


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


@attack(
    "Send 1,500 webhooks with signatures of another secret, and 15 honest ones in between",
    expects="401, then 429; no row in any table; less than 60 MB; 15 honest webhooks filled",
)
def test_forged_webhooks(stack: AttackedStack) -> str:
    process = stack.process("engine")
    before = process.memory_info().rss
    with psycopg.connect(stack.database_url, autocommit=True) as database, stack.client("engine", "") as client:
        earlier = count(database, WEBHOOK_EVENTS)
        statuses: Counter[int] = Counter()
        filled = 0
        for number in range(FORGED):
            statuses[post(client, {"account": MARKER, "number": number}, "another-secret").status_code] += 1
            if number % (FORGED // HONEST) == 0:
                answer = post(client, {"account": "honest-webhook", "number": number}, WEBHOOK_SECRET)
                filled += answer.json().get("status") == "filled"
        wait_until(lambda: count(database, WEBHOOK_EVENTS) - earlier >= HONEST)
        # One row for each honest webhook; the forged ones add neither an event nor anything with their text.
        extra = count(database, WEBHOOK_EVENTS) - earlier - HONEST
        tables = database.execute(TABLES).fetchall()
        marked = sum(
            count(
                database,
                sql.SQL("SELECT count(*) FROM {} AS r WHERE r::text LIKE {}").format(
                    sql.Identifier(*table), sql.Literal(f"%{MARKER}%")
                ),
            )
            for table in tables
        )
    growth = (process.memory_info().rss - before) / MEGABYTE
    refused = "401, then 429" if set(statuses) == {401, 429} else str(dict(statuses))
    rows = "no row in any table" if len(tables) > 20 and extra == marked == 0 else f"{extra} events, {marked} rows"
    size = "less than 60 MB" if growth < GROWTH_MEGABYTES else f"{growth:.0f} MB"
    return f"{refused}; {rows}; {size}; {filled} honest webhooks filled"


def post(client: httpx.Client, fields: dict[str, object], secret: str) -> httpx.Response:
    """Send a signed webhook that buys."""
    body = json.dumps({"symbol": "X", "action": "buy", "price": "100", "quantity": "1", **fields}).encode()
    now = int(SystemClock().now().timestamp())
    headers = {TIMESTAMP_HEADER: str(now), SIGNATURE_HEADER: sign(secret, body, now)}
    return client.post("/webhook", content=body, headers=headers)


def count(database: psycopg.Connection, statement: LiteralString | sql.Composed) -> int:
    """Return the number that a statement selects."""
    row = database.execute(statement).fetchone()
    assert row is not None
    return int(row[0])
