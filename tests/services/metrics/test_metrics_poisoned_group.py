"""A batch that the database refuses fails alone; the batches committed together with it are stored."""

import asyncio

import psycopg
from tests.services.metrics.metrics_client import open_service

from seatrial_core.clock import SystemClock
from seatrial_core.timestamps import format_rfc3339

BATCHES = 30
REFUSED = range(0, BATCHES, 6)


async def test_refused_batches_fail_alone(database_url: str, owner_url: str) -> None:
    with psycopg.connect(owner_url) as connection:
        connection.execute("ALTER TABLE metrics.events ADD CONSTRAINT attacked CHECK (engine <> 'refused')")
    now = format_rfc3339(SystemClock().now())
    names = ["refused" if number in REFUSED else "honest" for number in range(BATCHES)]
    batches = [
        [{"id": f"e{number}", "type": "heartbeat", "engine": name, "occurred_at": now}]
        for number, name in enumerate(names)
    ]

    async with open_service(database_url) as client:
        answers = await asyncio.gather(*(client.http.post("/v1/events", json=batch) for batch in batches))
        stored = (await client.get("/v1/events", type="heartbeat", limit=1000))["items"]

    failed = [number for number, answer in enumerate(answers) if answer.status_code != 202]
    assert failed == list(REFUSED)
    assert {answers[number].status_code for number in failed} == {503}
    assert all("could not be stored" in answers[number].json()["detail"] for number in failed)
    assert sorted(event["id"] for event in stored) == sorted(f"e{n}" for n in range(BATCHES) if n not in REFUSED)
