"""Two replicas of the service over one database."""

import asyncio
from typing import Any

from tests.services.metrics.metrics_client import START, open_service

from seatrial_core.clock import ManualClock

PUSHES = 40


def trade(identity: str, pnl: str) -> dict[str, Any]:
    """Return a closed trade at START."""
    return {"id": identity, "type": "trade", "occurred_at": START.isoformat(), "side": "SELL", "pnl": pnl}


async def test_replicas_share_no_sequence_and_count_every_event_once(database_url: str, clock: ManualClock) -> None:
    opening = {"id": "a", "type": "account", "occurred_at": START.isoformat(), "opening_balance": "10000"}
    async with open_service(database_url, clock) as one, open_service(database_url, clock) as other:
        await one.push(opening)
        answers = await asyncio.gather(
            *(
                service.push(trade(f"t{number}", "-1"))
                for number in range(PUSHES)
                for service in ((one, other) if number % 2 else (other, one))
            )
        )
        items = (await one.get("/v1/events", limit=1000))["items"]
        pages = [await service.page() for service in (one, other)]

    assert sum(answer["accepted"] for answer in answers) == PUSHES
    assert sum(answer["duplicates"] for answer in answers) == PUSHES
    assert [item["sequence"] for item in items] == list(range(PUSHES + 1, 0, -1))
    assert [page["current_pnl"] for page in pages] == [-PUSHES, -PUSHES]
