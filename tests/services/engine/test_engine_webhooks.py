"""Webhooks over HTTP: who may trade, once each, and what they leave in the ledger, the logs and the metrics."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.services.engine.engine_door import SECRET, TOKEN, EngineDoor, open_engine
from tests.support.fake_ledger import FakeLedger

from seatrial_core.clock import SystemClock
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from seatrial_engine.api.webhook_counts import MAX_EVENTS_WITHOUT_ORDER
from seatrial_service.db.session import Database

BUY = {"symbol": "X", "action": "buy", "price": "100", "quantity": "1"}


async def test_signed_webhook_trades_once(engine: EngineDoor, ledger: FakeLedger) -> None:
    body = json.dumps(BUY).encode()
    now = int(datetime.timestamp(SystemClock().now().astimezone(UTC)))
    headers = {TIMESTAMP_HEADER: str(now), SIGNATURE_HEADER: sign(SECRET, body, now)}

    first = await engine.http.post("/webhook", content=body, headers=headers)
    again = await engine.http.post("/webhook", content=body, headers=headers)

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["order_id"] == again.json()["order_id"]
    assert len((await engine.get("/v1/orders"))["items"]) == 1
    await engine.drained()
    assert [event["status"] for event in ledger.of_type("webhook")] == ["success", "success"]


async def test_tradingview_webhook_is_accepted_by_token_or_secret(engine: EngineDoor) -> None:
    alert = {"ticker": "X", "action": "buy", "contracts": "1", "price": "100"}
    text_plain = {"content-type": "text/plain"}

    by_path = await engine.http.post(f"/webhook/{TOKEN}", content=json.dumps(alert), headers=text_plain)
    by_field = await engine.http.post("/webhook", json={**alert, "secret": TOKEN})

    assert [answer.json()["status"] for answer in (by_path, by_field)] == ["filled", "filled"]


async def test_refused_webhooks_are_counted_and_trade_nothing(engine: EngineDoor, ledger: FakeLedger) -> None:
    body = json.dumps(BUY).encode()
    now = int(SystemClock().now().timestamp())
    headers = {TIMESTAMP_HEADER: str(now), SIGNATURE_HEADER: sign("another", body, now)}

    answers = [
        await engine.http.post("/webhook", content=body, headers=headers),
        await engine.http.post("/webhook", content=body),
        await engine.http.post("/webhook/wrong", content=body),
        await engine.http.post(f"/webhook/{TOKEN}", content=b'{"contracts": {{x}}}'),
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 400]
    assert all(answer.headers["content-type"] == "application/problem+json" for answer in answers)
    assert not any(TOKEN in answer.text or SECRET in answer.text for answer in answers)
    await engine.drained()
    assert [event["status"] for event in ledger.of_type("webhook")] == ["invalid"]
    assert 'engine_webhooks_total{status="refused"} 3.0' in (await engine.http.get("/metrics")).text
    assert (await engine.get("/v1/orders"))["items"] == []


async def test_timestamp_written_otherwise_is_no_second_order(engine: EngineDoor) -> None:
    body = json.dumps(BUY).encode()
    now = int(SystemClock().now().timestamp())
    signature = sign(SECRET, body, now)

    statuses = []
    for timestamp in (str(now), f"0{now}", f"00{now}", f"+{now}", f" {now}"):
        headers = {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: signature}
        statuses.append((await engine.http.post("/webhook", content=body, headers=headers)).status_code)

    assert statuses[0] == 200
    assert statuses[1:4] == [401] * 3  # HTTP itself removes the space of the last one
    assert len((await engine.get("/v1/orders"))["items"]) == 1


async def test_invalid_webhooks_of_a_known_sender_leave_a_bounded_number_of_rows(
    engine: EngineDoor, ledger: FakeLedger
) -> None:
    for _ in range(2 * MAX_EVENTS_WITHOUT_ORDER + 20):
        assert (await engine.http.post(f"/webhook/{TOKEN}", content=b"[]")).status_code == 400

    await engine.drained()
    assert len(ledger.of_type("webhook")) <= 2 * MAX_EVENTS_WITHOUT_ORDER  # the minute may end meanwhile
    assert 'engine_webhooks_total{status="invalid"} 140.0' in (await engine.http.get("/metrics")).text


def signed(fields: object, at: int | None = None) -> tuple[bytes, dict[str, str]]:
    """Return the body and headers of a signed webhook."""
    body = json.dumps(fields).encode()
    signed_at = int(SystemClock().now().timestamp()) if at is None else at
    return body, {TIMESTAMP_HEADER: str(signed_at), SIGNATURE_HEADER: sign(SECRET, body, signed_at)}


async def position_price(engine: EngineDoor) -> float:
    """Return the price that the open position is marked to."""
    return float((await engine.get("/v1/positions"))["items"][0]["mark_price"])


async def test_hold_marks_a_price_once_also_after_a_restart(database_url: str, ledger: FakeLedger) -> None:
    body, headers = signed({"symbol": "X", "action": "hold", "price": "110"})
    async with open_engine(database_url, ledger.url) as before:
        await before.signal(**BUY)
        assert (await before.http.post("/webhook", content=body, headers=headers)).status_code == 200
        assert await position_price(before) == 110
        await before.post("/v1/prices", {"prices": [{"symbol": "X", "price": "120"}]})
        await before.http.post("/webhook", content=body, headers=headers)
        assert await position_price(before) == 120
    async with open_engine(database_url, ledger.url) as after:
        replayed = await after.http.post("/webhook", content=body, headers=headers)
        unchanged = await position_price(after)
        fresh = signed({"symbol": "X", "action": "hold", "price": "130"})
        await after.http.post("/webhook", content=fresh[0], headers=fresh[1])

        assert (replayed.status_code, replayed.json()["status"], unchanged) == (200, "ignored", 120)
        assert await position_price(after) == 130  # a new hold counts from the first second


async def test_used_signatures_are_deleted_when_they_can_no_longer_be_valid(
    database_url: str, engine: EngineDoor
) -> None:
    database = Database(database_url)
    try:
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO engine.used_signatures VALUES ('hook:old', 1700000000)"))
        body, headers = signed({"symbol": "X", "action": "hold", "price": "110"})
        await engine.http.post("/webhook", content=body, headers=headers)
        async with database.transaction() as session:
            kept = (await session.execute(text("SELECT identity FROM engine.used_signatures"))).scalars().all()
    finally:
        await database.close()

    assert len(kept) == 1
    assert kept[0] != "hook:old"


@pytest.mark.parametrize("seconds", [-301, 61])
async def test_signature_outside_its_time_is_refused(engine: EngineDoor, seconds: int) -> None:
    body, headers = signed(BUY, int(SystemClock().now().timestamp()) + seconds + (5 if seconds > 0 else 0))

    assert (await engine.http.post("/webhook", content=body, headers=headers)).status_code == 401
    assert (await engine.get("/v1/orders"))["items"] == []


async def test_token_of_a_path_is_in_no_log_metric_or_message(
    engine: EngineDoor, capsys: pytest.CaptureFixture[str]
) -> None:
    good = json.dumps({"symbol": "X", "action": "buy", "price": "100", "quantity": "1"})
    with capture_logs() as logged:
        answers = [
            await engine.http.post(f"/webhook/{TOKEN}", content=good),
            await engine.http.post(f"/webhook/{TOKEN}x", content=good),
            await engine.http.post(f"/webhook/{TOKEN}/", content=good),
            await engine.http.post(f"/webhook/{TOKEN}/further", content=good),
            await engine.http.post(f"http://localhost//webhook/{TOKEN}", content=good),
            await engine.http.post(f"/WEBHOOK/{TOKEN}", content=good),
            await engine.http.get(f"/webhook/{TOKEN}"),
            await engine.http.put(f"/webhook/{TOKEN}", content=good),
            await engine.http.post(f"/webhook/{TOKEN}", content=b"x" * (1 << 20)),
            await engine.http.post(f"/webhook/{TOKEN}", content=b"{{"),
            await engine.http.post(f"/webhook/{TOKEN}", content=b"{}"),
            await engine.http.post(f"/webhook/{TOKEN}", content=good, headers={"Host": "evil.example"}),
        ]
    metrics = (await engine.http.get("/metrics")).text

    assert [answer.status_code for answer in answers[:2]] == [200, 401]
    assert {answer.status_code for answer in answers[2:]} <= {307, 400, 404, 405, 413, 415, 421, 422}
    messages = [answer.text for answer in answers]
    shown = [*messages, *map(repr, logged), *metrics.splitlines(), *capsys.readouterr()]
    assert [line for line in shown if TOKEN in line] == []


async def test_paths_of_strangers_make_no_series_of_metrics(engine: EngineDoor) -> None:
    before = len((await engine.http.get("/metrics")).text.splitlines())
    for number in range(50):
        await engine.http.post(f"/webhook/guess-{number}")
        await engine.http.post(f"/webhook/guess-{number}/")
        await engine.http.get(f"/v1/orders/{number}/")
        await engine.http.get(f"/guess-{number}")

    lines = (await engine.http.get("/metrics")).text.splitlines()

    assert len(lines) - before < 200
    assert [line for line in lines if "guess-" in line] == []
