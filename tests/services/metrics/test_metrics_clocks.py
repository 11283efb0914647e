"""Senders whose clock is ahead of the service's."""

from datetime import timedelta
from typing import Any

from tests.services.metrics.metrics_client import START, MetricsClient, open_service

from seatrial_core.clock import ManualClock

EQUITY = 'trading_portfolio_equity{currency="USD",environment="live"}'
DRAWDOWN = 'trading_portfolio_drawdown_ratio{currency="USD",environment="live"}'


def event(kind: str, seconds: float, **fields: Any) -> dict[str, Any]:
    """Return an event some seconds after START."""
    at = START + timedelta(seconds=seconds)
    return {"id": f"{kind}-{seconds}", "type": kind, "occurred_at": at.isoformat(), **fields}


async def test_event_half_an_hour_ahead_hides_nothing(client: MetricsClient, clock: ManualClock) -> None:
    await client.push(event("equity", 0, equity="10000"))
    body = await client.push(event("equity", 1_800, equity="10000", engine="fast"))
    clock.advance(60)
    await client.push(event("equity", 60, equity="5000"))

    (rejection,) = body["rejected"]
    assert (rejection["code"], rejection["retry_after_seconds"]) == ("in_the_future", 1_795)
    page = await client.page()
    assert (page[EQUITY], page[DRAWDOWN]) == (5_000, 0.5)
    assert page['trading_clock_skew_seconds{engine="fast",environment="live"}'] == 1_800


async def test_event_within_the_skew_does_not_outrank_the_next_one(client: MetricsClient, clock: ManualClock) -> None:
    await client.push(event("equity", 4.5, equity="10000", engine="fast"))
    clock.advance(1)
    await client.push(event("equity", 1, equity="5000"))

    page = await client.page()
    assert page[EQUITY] == 5_000
    newest, first = (await client.get("/v1/events"))["items"]
    assert (first["occurred_at"], first["sent_at"]) == ("2026-11-23T12:00:00Z", "2026-11-23T12:00:04.500000Z")
    assert "sent_at" not in newest


async def test_events_within_the_skew_keep_their_order(client: MetricsClient) -> None:
    # A deposit that fell into the instant of the mark before it would be part of that mark: a loss of 5,000.
    await client.push(event("equity", 2, equity="10000"), event("transfer", 3, amount="5000"))

    page = await client.page()
    assert (page[EQUITY], page["current_pnl"]) == (15_000, 0)


async def test_event_within_the_skew_is_known_when_it_is_sent_again(client: MetricsClient, clock: ManualClock) -> None:
    mark = event("equity", 4, equity="10000")
    await client.push(mark)
    clock.advance(10)

    body = await client.push(mark)

    assert (body["duplicates"], body["rejected"]) == (1, [])


async def test_skew_falls_to_zero_when_the_clock_is_right_again(client: MetricsClient, clock: ManualClock) -> None:
    await client.push(event("heartbeat", 3, engine="fast"))
    await client.push(event("heartbeat", 0, engine="right"))
    assert (await client.page())['trading_clock_skew_seconds{engine="fast",environment="live"}'] == 3

    clock.advance(5)
    await client.push(event("heartbeat", 4, engine="fast"))

    skews = {name: value for name, value in (await client.page()).items() if "clock_skew" in name}
    assert skews == {'trading_clock_skew_seconds{engine="fast",environment="live"}': 0}


async def test_skew_is_a_setting(database_url: str, clock: ManualClock) -> None:
    async with open_service(database_url, clock, max_clock_skew_seconds=60) as service:
        body = await service.push(event("heartbeat", 59), event("heartbeat", 61))

    assert (body["accepted"], [rejection["index"] for rejection in body["rejected"]]) == (1, [1])


async def test_events_of_replay_have_a_time_of_their_own(client: MetricsClient) -> None:
    body = await client.push(event("heartbeat", 1_800, environment="replay", sent_at=START.isoformat()))

    assert body["accepted"] == 1
    (item,) = (await client.get("/v1/events"))["items"]
    assert item["occurred_at"] == "2026-11-23T12:30:00Z"
    assert "sent_at" not in item
