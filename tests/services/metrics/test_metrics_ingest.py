"""An event is counted once."""

from typing import Any

from tests.services.metrics.metrics_client import START, MetricsClient, open_service

from seatrial_core.clock import ManualClock

AT = START.isoformat()


def trade(number: int, **fields: Any) -> dict[str, Any]:
    """Return a trade event."""
    common = {"id": f"t{number}", "type": "trade", "occurred_at": AT, "strategy": "rsi", "side": "buy"}
    return {**common, **fields}


async def test_first_trade_is_counted(client: MetricsClient) -> None:
    answer = await client.push(trade(1))

    assert answer == {"accepted": 1, "duplicates": 0, "rejected": []}
    page = await client.page()
    assert page['trades_total{side="BUY",status="filled",strategy="rsi"}'] == 1
    assert page['trades_total{side="BUY",status="failed",strategy="rsi"}'] == 0


async def test_trade_sent_twice_counts_once(client: MetricsClient) -> None:
    await client.push(trade(1, trade_id="x"))

    again = await client.push(trade(2, trade_id="x"), trade(1, trade_id="x"))

    assert again == {"accepted": 0, "duplicates": 2, "rejected": []}
    page = await client.page()
    assert page['trades_total{side="BUY",status="filled",strategy="rsi"}'] == 1


async def test_telemetry_batch_sent_twice_counts_once(client: MetricsClient) -> None:
    call = {"id": "c", "type": "api_call", "occurred_at": AT, "endpoint": "/orders", "seconds": 0.2}
    await client.push(call, call, key="engine/1")

    again = await client.push(call, call, key="engine/1")

    assert again == {"accepted": 0, "duplicates": 2, "rejected": []}
    page = await client.page()
    assert page['api_request_duration_seconds_count{endpoint="/orders"}'] == 2


async def test_counters_survive_a_restart(database_url: str, clock: ManualClock) -> None:
    async with open_service(database_url, clock) as before:
        await before.push(trade(1, duration_seconds=0.3), trade(2, pnl="5"))

    async with open_service(database_url, clock) as after:
        await after.push(trade(3, pnl="-1"))
        page = await after.page()

    assert page['trades_total{side="BUY",status="filled",strategy="rsi"}'] == 3
    assert page["trade_duration_seconds_count"] == 1
    assert page["win_rate_percent"] == 50.0
    assert page["current_pnl"] == 4.0
