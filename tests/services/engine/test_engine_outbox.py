"""Every event arrives once and in order, whatever the metrics service answers."""

from tests.services.engine.engine_door import EngineDoor, open_engine
from tests.support.fake_ledger import FakeLedger
from tests.support.waiting import wait_until_async

BUY = {"symbol": "X", "action": "buy", "price": "100", "quantity": "1"}


async def test_events_arrive_once_and_in_order_despite_faults(engine: EngineDoor, ledger: FakeLedger) -> None:
    ledger.faults = [500, "lost", 503, "lost", 429]

    orders = [(await engine.signal(**BUY))["order_id"] for _ in range(8)]
    await engine.drained()

    assert [event["trade_id"] for event in ledger.of_type("trade")] == orders
    assert len(ledger.of_type("api_call")) == 8
    assert len(ledger.of_type("equity")) == 8
    assert len(ledger.of_type("account")) == 1


async def test_events_wait_for_an_absent_ledger_across_a_restart(database_url: str, ledger: FakeLedger) -> None:
    async with open_engine(database_url, "http://127.0.0.1:1") as before:
        sent = [(await before.signal(**BUY))["order_id"] for _ in range(3)]
        assert (await before.get("/v1/outbox"))["pending"] == 10

    async with open_engine(database_url, ledger.url) as after:
        await after.drained()

    assert [event["trade_id"] for event in ledger.of_type("trade")] == sent


async def test_lost_answer_before_a_restart_sends_the_same_batch(database_url: str, ledger: FakeLedger) -> None:
    ledger.faults = ["lost", *[503] * 1_000]
    async with open_engine(database_url, ledger.url) as before:
        await before.signal(**BUY)
        await wait_until_async(lambda: ledger.requests > 1)
        await before.signal(**BUY)
    ledger.faults = []
    async with open_engine(database_url, ledger.url) as after:
        await after.drained()

    assert len(ledger.of_type("api_call")) == 2
    assert len(ledger.of_type("trade")) == 2


async def test_rejected_events_are_counted_in_the_outbox(engine: EngineDoor, ledger: FakeLedger) -> None:
    ledger.rejects = {"equity": "invalid_event"}

    await engine.signal(**BUY)
    await engine.drained()

    outbox = await engine.get("/v1/outbox")
    assert (outbox["pending"], outbox["refused"]) == (0, 1)


async def test_events_ahead_of_the_ledgers_clock_wait_and_arrive_in_order(
    database_url: str, ledger: FakeLedger
) -> None:
    ledger.rejects = {"trade": "in_the_future", "webhook": "in_the_future"}
    ledger.retry_after_seconds = 0.5
    async with open_engine(database_url, ledger.url) as before:
        sent = [(await before.signal(**BUY))["order_id"]]
        await wait_until_async(lambda: ledger.of_type("equity"))

        async def is_held() -> bool:
            return bool((await before.get("/health/detail"))["outbox_held"] == 1)

        await wait_until_async(is_held)
        assert (await before.get("/health/detail"))["clock_seconds_ahead"] == 0.5
        sent.append((await before.signal(**BUY))["order_id"])
        assert ledger.of_type("trade") == []

    ledger.rejects = {}
    async with open_engine(database_url, ledger.url) as after:
        await after.drained()
        outbox = await after.get("/v1/outbox")
        detail = await after.get("/health/detail")

    assert [event["trade_id"] for event in ledger.of_type("trade")] == sent
    assert (outbox["refused"], detail["outbox_held"]) == (0, 0)


async def test_rejected_batch_does_not_stop_the_next(engine: EngineDoor, ledger: FakeLedger) -> None:
    ledger.faults = [422]

    await engine.signal(**BUY)
    await engine.drained()
    await engine.signal(**BUY)
    await engine.drained()

    assert (await engine.get("/v1/outbox"))["refused"] == 4
    assert len(ledger.of_type("trade")) == 1


async def test_engine_sends_heartbeats_and_samples(database_url: str, ledger: FakeLedger) -> None:
    async with open_engine(database_url, ledger.url, update_interval_seconds=0.05):
        await wait_until_async(
            lambda: ledger.of_type("heartbeat") and ledger.of_type("system"), describe=lambda: ledger.events
        )
