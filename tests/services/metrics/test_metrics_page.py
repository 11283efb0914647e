"""The Prometheus page and the figures of the API."""

import asyncio
import shutil
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from tests.services.metrics.metrics_client import START, MetricsClient, open_service

from seatrial_core import catalog
from seatrial_core.clock import ManualClock

AT = START.isoformat()


def call(number: int, seconds: float, **fields: Any) -> dict[str, Any]:
    """Return an API call."""
    common = {"id": f"c{number}", "type": "api_call", "occurred_at": AT, "endpoint": "/orders", "seconds": seconds}
    return {**common, **fields}


async def test_page_of_an_empty_ledger_has_the_twelve(client: MetricsClient) -> None:
    text = (await client.http.get("/metrics")).text

    for metric in catalog.GUIDE_METRICS:
        assert f"# TYPE {metric.name} {metric.kind}\n" in text


async def test_first_cpu_value_is_measured(database_url: str) -> None:
    async with open_service(database_url) as client:
        page = await client.page()
        deadline = asyncio.get_running_loop().time() + 10
        while "system_cpu_percent" not in page and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
            page = await client.page()

    assert 0 < page["system_memory_percent"] <= 100
    assert 0 <= page["system_cpu_percent"] <= 100


async def test_engines_machine_and_heartbeat_are_shown(client: MetricsClient) -> None:
    await client.push(
        {"id": "s", "type": "system", "occurred_at": AT, "cpu_percent": 88, "memory_percent": 44, "disk_percent": 22},
        {"id": "h", "type": "heartbeat", "occurred_at": AT},
    )

    page = await client.page()

    assert page["system_cpu_percent"] == 88
    heartbeat = page['trading_engine_heartbeat_timestamp_seconds{engine="default",environment="live"}']
    assert heartbeat == pytest.approx(START.timestamp(), rel=1e-6)


async def test_slowest_call_and_error_ratio_use_their_windows(client: MetricsClient, clock: ManualClock) -> None:
    minutes_ago = (START - timedelta(minutes=4)).isoformat()
    await client.push(
        call(1, 9.0, occurred_at=minutes_ago),
        call(2, 0.5),
        call(3, 1.5, ok=False),
        {"id": "e", "type": "error", "occurred_at": AT, "kind": "timeout"},
    )

    items = (await client.get("/v1/snapshot", environment="live"))["items"]
    clock.advance(360)
    later = (await client.get("/v1/snapshot", environment="live"))["items"]

    (endpoint,) = [item for item in items if item["endpoint"] == "/orders"]
    assert endpoint["values"] == {"slowest_api_call_seconds": 1.5}
    assert items[0]["values"]["error_ratio"] == 0.5
    assert items[0]["values"]["error_ratio_samples"] == 4
    (silent,) = [item for item in later if item["endpoint"] == "/orders"]
    assert silent["values"] == {"slowest_api_call_seconds": None}
    assert "60 seconds" in silent["undefined"]["slowest_api_call_seconds"]
    assert later[0]["values"]["error_ratio"] is None


async def test_replay_looks_at_event_time(client: MetricsClient) -> None:
    old = "2001-05-01T00:00:00Z"
    await client.push(call(1, 7.0, occurred_at=old, environment="replay"))

    items = (await client.get("/v1/snapshot", environment="replay"))["items"]

    assert items[0]["occurred_at"] == old
    assert items[-1]["values"] == {"slowest_api_call_seconds": 7.0}


async def test_snapshot_has_portfolio_accounts_and_strategies(client: MetricsClient) -> None:
    sold = {"type": "trade", "occurred_at": AT, "account": "a", "side": "SELL"}
    await client.push(
        {"id": "o", "type": "account", "occurred_at": AT, "account": "a", "opening_balance": "1000"},
        {**sold, "id": "t1", "strategy": "rsi", "pnl": "5"},
        {**sold, "id": "t2", "strategy": "sma", "pnl": "-5"},
        {"id": "e", "type": "equity", "occurred_at": AT, "account": "a", "equity": "950", "risk_at_stop": "19"},
    )

    items = (await client.get("/v1/snapshot"))["items"]

    scopes = [
        (item["account"], item["strategy"], item["values"]["win_rate_ratio"]) for item in items if not item["engine"]
    ]
    assert scopes == [(None, None, 0.5), ("a", None, 0.5), (None, "rsi", 1.0), (None, "sma", 0.0)]
    values = items[0]["values"]
    assert values["drawdown_ratio"] == pytest.approx(0.05)
    assert values["session_loss_ratio"] == pytest.approx(0.05)
    assert values["risk_ratio"] == 0.02
    assert items[0]["undefined"]["open_positions"]


async def test_performance_says_why_a_figure_is_unknown(client: MetricsClient) -> None:
    performance = await client.get("/v1/performance")

    assert performance["metrics"]["win_rate_ratio"] is None
    assert performance["undefined"]["win_rate_ratio"] == "0 closed trades, needs at least 1"
    assert performance["undefined"]["equity"] == "no equity event and no opening balance yet"


async def test_events_are_listed_newest_first_with_a_cursor(client: MetricsClient) -> None:
    await client.push(*(call(number, 0.1) for number in range(5)))

    first = await client.get("/v1/events", limit=3, type="api_call")
    second = await client.get("/v1/events", limit=3, type="api_call", cursor=first["next_cursor"])

    assert [item["id"] for item in first["items"] + second["items"]] == ["c4", "c3", "c2", "c1", "c0"]
    assert second["next_cursor"] is None
    assert first["items"][0]["endpoint"] == "/orders"
    assert not (await client.get("/v1/events", account="nobody"))["items"]


async def test_equity_is_thinned_and_keeps_the_newest_point(client: MetricsClient) -> None:
    marks = [
        {
            "id": f"q{hour}",
            "type": "equity",
            "environment": "replay",
            "account": "a",
            "occurred_at": (START + timedelta(hours=hour)).isoformat(),
            "equity": 100 + hour,
        }
        for hour in range(50)
    ]
    await client.push(*marks)

    items = (await client.get("/v1/equity", environment="replay", account="a", limit=7))["items"]

    assert len(items) == 7
    assert items[-1]["equity"] == 149


async def test_schema_of_events_is_published(client: MetricsClient) -> None:
    schema = await client.get("/v1/schema/events")

    assert set(schema["discriminator"]["mapping"]) >= {"trade", "equity", "account", "api_call"}


async def test_every_route_has_an_example(client: MetricsClient) -> None:
    document = await client.get("/openapi.json")

    for path, methods in document["paths"].items():
        for method, route in methods.items():
            good = next(response for code, response in route["responses"].items() if code.startswith("2"))
            content = good.get("content", {})
            has_example = any("example" in media for media in content.values())
            assert has_example or path == "/metrics/process", f"{method} {path}"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on this machine")
async def test_promtool_accepts_the_page(client: MetricsClient) -> None:
    await client.push(call(1, 0.2, endpoint='/a"b\n\\c'))
    text = (await client.http.get("/metrics")).text

    checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


async def test_records_that_a_producer_lost_count_once(client: MetricsClient) -> None:
    lost = {"id": "d1", "type": "dropped", "occurred_at": AT, "reason": "spill_unwritable", "count": 4_000}

    await client.push(lost, key="bot/7")
    await client.push(lost, key="bot/7")

    page = await client.page()
    assert {name: value for name, value in page.items() if name.startswith("trading_events_dropped_total")} == {
        'trading_events_dropped_total{environment="live",reason="spill_unwritable"}': 4_000
    }
