"""Trades of several executions, repetitions, and ids that are used twice, through the service."""

from datetime import timedelta
from typing import Any

from tests.services.metrics.metrics_client import START, MetricsClient, open_service

from seatrial_core.clock import ManualClock

OPENING = {"id": "a", "type": "account", "occurred_at": START.isoformat(), "opening_balance": "10000"}


def trade(identity: str, seconds: float = 0, **fields: Any) -> dict[str, Any]:
    """Return an event of the trade `ft-1`."""
    at = (START + timedelta(seconds=seconds)).isoformat()
    labels = {"trade_id": "ft-1", "side": "BUY", "strategy": "s"}
    return {"id": identity, "type": "trade", "occurred_at": at, **labels, **fields}


async def test_entry_and_exit_of_one_trade_realise_its_profit(client: MetricsClient, clock: ManualClock) -> None:
    clock.advance(10)
    await client.push(OPENING, trade("e1", 1, status="pending"))
    await client.push(trade("e2", 2, status="filled", quantity="2", price="100"))
    exits = [trade(f"x{pnl}", 3, side="SELL", quantity="1", price="80", pnl=f"-{pnl}") for pnl in (20, 21)]
    body = await client.push(*exits)

    page = await client.page()
    assert (body["accepted"], body["duplicates"], body["rejected"]) == (2, 0, [])
    assert page["current_pnl"] == -41
    assert page['trades_total{side="BUY",status="pending",strategy="s"}'] == 1
    assert page['trades_total{side="BUY",status="filled",strategy="s"}'] == 1
    assert page['trades_total{side="SELL",status="filled",strategy="s"}'] == 2


async def test_repetition_under_another_event_id_counts_once_after_a_restart(
    database_url: str, clock: ManualClock
) -> None:
    async with open_service(database_url, clock) as first:
        await first.push(OPENING, trade("e1", status="filled", side="SELL", pnl="-100.0"))
    clock.advance(60)
    async with open_service(database_url, clock) as second:
        body = await second.push(trade("e2", 30, status="filled", side="sell", pnl=-100, duration_seconds=2))

        assert (body["accepted"], body["duplicates"]) == (0, 1)
        assert (await second.page())["current_pnl"] == -100


async def test_known_id_with_another_body_is_a_conflict(client: MetricsClient, clock: ManualClock) -> None:
    await client.push(OPENING, trade("e1", side="SELL", pnl="-100"))

    changed = trade("e1", side="SELL", pnl="-900")
    body = await client.push(changed, trade("e1", side="SELL", pnl="-100"))
    clock.advance(5)
    await client.push(changed)

    assert (body["accepted"], body["duplicates"]) == (0, 1)
    assert [(item["index"], item["code"]) for item in body["rejected"]] == [(0, "conflict")]
    page = await client.page()
    assert page["current_pnl"] == -100
    assert page['trading_events_total{environment="live",outcome="conflict",type="trade"}'] == 2
    (conflict,) = (await client.get("/v1/conflicts"))["items"]
    assert (conflict["event_id"], conflict["times"], conflict["body"]["pnl"]) == ("e1", 2, "-900")
    assert conflict["first_received_at"] < conflict["last_received_at"]
    assert (await client.get("/v1/conflicts", account="other"))["items"] == []
