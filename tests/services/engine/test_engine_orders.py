"""Orders, positions, webhooks and control over HTTP."""

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.services.engine.engine_door import EngineDoor, open_engine
from tests.support.fake_ledger import FakeLedger

from seatrial_service.db.session import Database

BUY = {"symbol": "X", "action": "buy", "price": "100", "quantity": "1"}


async def test_filled_signal_is_an_order_a_fill_a_position_and_an_account(engine: EngineDoor) -> None:
    answer = await engine.signal(**BUY, stop_loss="98", strategy="mine")

    assert answer["status"] == "filled"
    assert (await engine.get(f"/v1/orders/{answer['order_id']}"))["strategy"] == "mine"
    assert [fill["order_id"] for fill in (await engine.get("/v1/ledger"))["items"]] == [answer["order_id"]]
    position = (await engine.get("/v1/positions"))["items"][0]
    assert [Decimal(position[name]) for name in ("quantity", "stop_loss")] == [Decimal(1), Decimal(98)]
    account = await engine.get("/v1/account")
    assert Decimal(account["equity"]) == Decimal("9999.9")


async def test_order_sent_by_many_at_once_is_one_order(engine: EngineDoor) -> None:
    body = {"client_order_id": "k", "symbol": "X", "side": "BUY", "quantity": "1", "price": "100"}

    answers = await asyncio.gather(*(engine.http.post("/v1/orders", json=body) for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = await engine.http.post("/v1/orders", json={**body, "quantity": "2"})
    assert (other.status_code, other.json()["code"]) == (409, "conflict")


async def test_client_order_id_is_recognised_after_a_restart(database_url: str, ledger: FakeLedger) -> None:
    async with open_engine(database_url, ledger.url) as before:
        first = await before.signal(**BUY, client_order_id="k")
    async with open_engine(database_url, ledger.url) as after:
        again = await after.signal(**BUY, client_order_id="k")
        sold = await after.signal(symbol="X", action="sell", price="110")

    assert (again["order_id"], again["repeated"]) == (first["order_id"], True)
    assert Decimal(sold["pnl"]) == Decimal("9.79")


async def test_orders_are_listed_in_pages(engine: EngineDoor) -> None:
    sent = [(await engine.signal(**BUY))["order_id"] for _ in range(5)]

    first = await engine.get("/v1/orders", limit=3)
    rest = await engine.get("/v1/orders", limit=3, cursor=first["next_cursor"])

    assert [order["id"] for order in first["items"] + rest["items"]] == sent
    assert rest["next_cursor"] is None


async def test_profit_from_an_average_price_with_endless_digits_is_listed(engine: EngineDoor) -> None:
    for quantity, price in (("1", "100"), ("2", "101.01"), ("4", "99.97")):
        await engine.signal(symbol="X", action="buy", quantity=quantity, price=price)
    sold = await engine.signal(symbol="X", action="sell", price="103", quantity="3")

    fills = (await engine.get("/v1/ledger"))["items"]

    assert Decimal(fills[-1]["pnl"]) == pytest.approx(Decimal(sold["pnl"]), abs=Decimal("1e-8"))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**BUY, "price": "NaN"}, "price"),
        ({**BUY, "colour": "red"}, "colour"),
        ({"action": "buy"}, "symbol"),
    ],
)
async def test_bad_signal_names_its_field(engine: EngineDoor, body: dict[str, str], field: str) -> None:
    answer = await engine.post("/v1/signals", body, 422)

    assert answer["errors"][0]["field"] == field


async def test_halt_survives_a_restart_and_is_visible_to_check(database_url: str, ledger: FakeLedger) -> None:
    async with open_engine(database_url, ledger.url) as before:
        assert (await before.post("/v1/orders/check", BUY))["accepted"] is True
        await before.post("/v1/control/halt", {"actor": "alerts", "reason": "drawdown"})

    async with open_engine(database_url, ledger.url) as after:
        check = await after.post("/v1/orders/check", BUY)
        control = await after.get("/v1/control")
        assert (check["accepted"], check["reason"], check["state"]) == (False, "halted", "halted")
        assert (control["actor"], control["reason"]) == ("alerts", "drawdown")
        assert (await after.get("/v1/orders"))["items"] == []
        assert (await after.signal(**BUY))["reason"] == "halted"
        await after.post("/v1/control/resume", {"actor": "me", "reason": "over"})
        assert (await after.signal(**BUY))["status"] == "filled"


async def test_with_tokens_the_actor_is_the_token_and_the_senders_name_is_a_note(
    database_url: str, ledger: FakeLedger
) -> None:
    risk = "risk-token-0123456789"
    async with open_engine(database_url, ledger.url, tokens=f"{risk}=engine:control,name:risk") as before:
        before.http.headers["Authorization"] = f"Bearer {risk}"
        with capture_logs() as logged:
            halted = await before.post("/v1/control/halt", {"actor": "somebody else", "reason": "drawdown"})
        assert 'audit_events_total{action="halt"} 1.0' in (await before.http.get("/metrics")).text
    async with open_engine(database_url, ledger.url) as after:
        stored = await after.get("/v1/control")

    assert halted == stored
    assert (stored["actor"], stored["note"], stored["reason"]) == ("risk", "somebody else", "drawdown")
    (event,) = (event for event in logged if event["event"] == "audit")
    assert (event["action"], event["principal"], event["note"], event["reason"]) == (
        *("halt", "risk", "somebody else", "drawdown"),
    )
    assert event["source"] == "127.0.0.1"


async def test_price_that_reaches_the_stop_closes_the_position(engine: EngineDoor) -> None:
    await engine.signal(**BUY, stop_loss="98")

    accepted = await engine.post("/v1/prices", {"prices": [{"symbol": "X", "price": "97"}]})

    assert accepted == {"taken": 1, "filled": 1}
    assert (await engine.get("/v1/positions"))["items"] == []


async def test_only_the_stress_account_may_inject_faults(engine: EngineDoor, ledger: FakeLedger) -> None:
    stress = {**BUY, "account": "stress"}

    lost = await engine.http.post("/v1/signals", json=stress, headers={"Seatrial-Fault": "timeout"})
    real = await engine.http.post("/v1/signals", json=BUY, headers={"Seatrial-Fault": "timeout"})

    assert (lost.json()["status"], lost.json()["reason"]) == ("rejected", "exchange_unreachable")
    assert real.status_code == 422
    await engine.drained()
    assert {event["environment"] for event in ledger.events} == {"stress"}


async def test_routes_require_their_scope(database_url: str, ledger: FakeLedger) -> None:
    tokens = "a-trading-token-of-one=engine:trade;a-control-token-of-one=engine:control"
    async with open_engine(database_url, ledger.url, tokens=tokens) as engine:
        trader = {"Authorization": "Bearer a-trading-token-of-one"}
        command = {"actor": "me", "reason": "a drill"}

        assert (await engine.http.post("/v1/signals", json=BUY)).status_code == 401
        assert (await engine.http.post("/v1/signals", json=BUY, headers=trader)).status_code == 200
        assert (await engine.http.post("/v1/control/halt", json=command, headers=trader)).status_code == 403
        assert (await engine.http.get("/health/ready")).status_code == 200


async def test_superseded_process_refuses_orders(database_url: str, ledger: FakeLedger) -> None:
    async with open_engine(database_url, ledger.url) as older, open_engine(database_url, ledger.url) as newer:
        refused = await older.http.post("/v1/signals", json=BUY)

        assert (refused.status_code, refused.json()["code"]) == (503, "taken_over")
        assert (await older.http.get("/health/ready")).status_code == 503
        assert (await newer.signal(**BUY))["status"] == "filled"


async def test_order_and_its_events_are_stored_together_or_not_at_all(
    database_url: str, owner_url: str, ledger: FakeLedger
) -> None:
    ledger.faults = [503] * 1_000
    async with open_engine(database_url, ledger.url) as engine:
        database = Database(owner_url)
        async with database.transaction() as session:
            await session.execute(text("ALTER TABLE engine.outbox ADD CONSTRAINT full_up CHECK (count < 0) NOT VALID"))

        refused = await engine.http.post("/v1/signals", json=BUY)
        none = await engine.get("/v1/orders")
        async with database.transaction() as session:
            await session.execute(text("ALTER TABLE engine.outbox DROP CONSTRAINT full_up"))
        filled = await engine.signal(**BUY)

        await database.close()
        assert (refused.status_code, none["items"]) == (503, [])
        assert filled["status"] == "filled"
        assert Decimal((await engine.get("/v1/account"))["cash"]) == Decimal("9899.9")
        assert (await engine.get("/v1/outbox"))["pending"] == 4
