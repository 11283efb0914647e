"""Two processes of one service on one database: what both are sent at once is recorded once."""

import asyncio
import json
from collections.abc import Callable

from tests.services.engine.engine_door import SECRET, open_engine
from tests.services.metrics.metrics_client import open_service
from tests.support.fake_ledger import fake_ledger

from seatrial_core.clock import SystemClock
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from seatrial_core.timestamps import format_rfc3339

REPETITIONS = 5
ORDER = {"symbol": "X", "action": "buy", "price": "100", "quantity": "1"}


async def test_one_signature_sent_to_two_engines_is_one_fill(role_url: Callable[[str], str]) -> None:
    url = role_url("engine")
    body = json.dumps(ORDER).encode()
    now = int(SystemClock().now().timestamp())
    headers = {TIMESTAMP_HEADER: str(now), SIGNATURE_HEADER: sign(SECRET, body, now)}

    with fake_ledger() as ledger:
        async with open_engine(url, ledger.url) as older, open_engine(url, ledger.url) as newer:
            answers = await asyncio.gather(
                *(
                    engine.http.post("/webhook", content=body, headers=headers)
                    for _ in range(REPETITIONS)
                    for engine in (older, newer)
                )
            )
            fills = (await newer.get("/v1/ledger"))["items"]

    assert [answer.status_code for answer in answers] == [503, 200] * REPETITIONS  # the newer one took over
    assert {answer.json()["order_id"] for answer in answers[1::2]} == {fills[0]["order_id"]}
    assert len(fills) == 1


async def test_a_signature_is_remembered_by_the_next_engine(role_url: Callable[[str], str]) -> None:
    url = role_url("engine")
    body = json.dumps(ORDER).encode()
    now = int(SystemClock().now().timestamp())
    headers = {TIMESTAMP_HEADER: str(now), SIGNATURE_HEADER: sign(SECRET, body, now)}

    with fake_ledger() as ledger:
        async with open_engine(url, ledger.url) as first:
            filled = await first.http.post("/webhook", content=body, headers=headers)
        async with open_engine(url, ledger.url) as second:
            again = await second.http.post("/webhook", content=body, headers=headers)
            fills = (await second.get("/v1/ledger"))["items"]

    assert filled.status_code == again.status_code == 200
    assert (again.json()["order_id"], len(fills)) == (filled.json()["order_id"], 1)


async def test_one_batch_sent_to_two_ledgers_is_recorded_once(role_url: Callable[[str], str]) -> None:
    url = role_url("metrics")
    now = format_rfc3339(SystemClock().now())
    batch = [{"id": f"e{number}", "type": "heartbeat", "engine": "e", "occurred_at": now} for number in range(20)]

    async with open_service(url) as first, open_service(url) as second:
        answers = await asyncio.gather(
            *(
                client.http.post("/v1/events", json=batch, headers={"Seatrial-Batch": "producer/1"})
                for _ in range(REPETITIONS)
                for client in (first, second)
            )
        )
        stored = (await first.get("/v1/events", type="heartbeat", limit=1000))["items"]

    assert {answer.status_code for answer in answers} == {202}
    assert sum(answer.json()["accepted"] for answer in answers) == len(batch)
    assert sorted(event["id"] for event in stored) == sorted(event["id"] for event in batch)
