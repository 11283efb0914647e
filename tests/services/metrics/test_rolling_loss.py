"""The loss of the last 24 hours: from which stored point of which curve it is measured."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.services.metrics.metrics_client import START, MetricsClient

from seatrial_core.clock import ManualClock
from seatrial_service.db.session import Database

DAY = 24 * 3600


def event(type_: str, seconds: float, **fields: Any) -> dict[str, Any]:
    """Return an event of account `a` some seconds after START."""
    occurred_at = (START + timedelta(seconds=seconds)).isoformat()
    return {"id": f"{type_}-{seconds}", "type": type_, "occurred_at": occurred_at, "account": "a", **fields}


async def rolling_loss(client: MetricsClient) -> float:
    """Return the loss of the portfolio over 24 hours."""
    ratio: float = (await client.get("/v1/performance"))["metrics"]["rolling_loss_ratio"]
    return ratio


async def test_equity_of_exactly_24_hours_ago_is_the_start(client: MetricsClient, clock: ManualClock) -> None:
    clock.advance(120)
    await client.push(event("equity", 0, equity="100"), event("equity", 60, equity="80"))
    await client.push(event("equity", 120, equity="60"))

    clock.advance(DAY - 61)
    before = await rolling_loss(client)
    clock.advance(1)

    assert before == pytest.approx(1 - 60 / 100)
    assert await rolling_loss(client) == pytest.approx(1 - 60 / 80)


async def test_growth_in_another_currency_is_no_start(
    client: MetricsClient, database_url: str, clock: ManualClock
) -> None:
    clock.advance(60)
    await client.push(event("equity", 0, equity="100"), event("equity", 60, equity="80"))
    clock.advance(DAY + 60)
    await client.push(event("equity", DAY + 90, equity="60"))

    database = Database(database_url, pool_size=1)
    async with database.transaction() as session:  # as a restatement in another currency leaves it before its last part
        await session.execute(text("UPDATE metrics.portfolio_points SET currency = 'EUR'"))
    await database.close()

    assert await rolling_loss(client) == pytest.approx(1 - 60 / 100)
