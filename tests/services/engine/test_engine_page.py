"""The gauges of the engine's page while the loops that work on their values are stuck."""

import httpx
from prometheus_client.parser import text_string_to_metric_families
from tests.services.engine.engine_door import EngineDoor, open_engine
from tests.support.fake_ledger import FakeLedger

BUY = {"symbol": "X", "action": "buy", "price": "100", "quantity": "1"}


async def pending_on_page(http: httpx.AsyncClient) -> list[float]:
    """Return the samples of the gauge of waiting events."""
    text = (await http.get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["page_reading_age_seconds"].samples[0].value < 5
    return [sample.value for sample in families["engine_outbox_pending"].samples]


async def test_waiting_events_are_counted_while_the_metrics_service_is_away(database_url: str) -> None:
    async with open_engine(database_url, "http://127.0.0.1:1") as engine:
        for _ in range(3):
            await engine.signal(**BUY)

        assert await pending_on_page(engine.http) == [(await engine.get("/v1/outbox"))["pending"]] == [10]
        await engine.signal(**BUY)
        assert await pending_on_page(engine.http) == [13]


async def test_no_event_waits_after_the_last_push(engine: EngineDoor, ledger: FakeLedger) -> None:
    await engine.signal(**BUY)
    await engine.drained()

    assert await pending_on_page(engine.http) == [0]
