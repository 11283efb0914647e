"""Delivery to failing receivers: every notification arrives, in order, and a repetition has the same key."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
from tests.services.alerts.running_alerts import figures, has_alert, running
from tests.services.alerts.small_servers import HANG, Figures, Inbox, serve_figures, serve_inbox
from tests.support.waiting import wait_until_async

from seatrial_alerts.store import outbox
from seatrial_service.db.session import Database

NOW = datetime(2026, 1, 5, tzinfo=UTC)


async def attempted(http: httpx.AsyncClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await http.get("/v1/deliveries")).json()["items"]
    return items


async def has_attempts(http: httpx.AsyncClient, count: int) -> bool:
    return len(await attempted(http)) >= count


async def test_a_failing_receiver_gets_every_notification_in_order(database_url: str) -> None:
    inbox, ledger = Inbox(answers=[500, 429, HANG, 503, 200]), Figures(figures(0.2))
    with serve_figures(ledger) as metrics, serve_inbox(inbox) as hook:
        async with running(database_url, metrics, hook, delivery_timeout_seconds=0.3) as http:
            await wait_until_async(lambda: len(inbox.received) >= 1, describe=lambda: inbox.received)
            ledger.snapshot = figures(0.0, 2)
            await wait_until_async(lambda: has_attempts(http, 6))
            attempts = await attempted(http)

    assert [body["state"] for body in inbox.accepted] == ["firing", "resolved"]
    assert len({body["key"] for body in inbox.received}) == 2
    assert [(row["outcome"], row["status_code"]) for row in reversed(attempts)] == [
        ("refused", 500),
        ("refused", 429),
        ("timeout", None),
        ("refused", 503),
        ("delivered", 200),
        ("delivered", 200),
    ]


async def test_many_alerts_reach_a_receiver_that_cycles_through_its_faults(database_url: str) -> None:
    """Each of the alerts must arrive as firing, then resolved, whatever happens to single attempts."""
    inbox, ledger = Inbox(at_first=[200, 429, 500, HANG, 503]), Figures()
    names = [f"account-{number}" for number in range(8)]
    with serve_figures(ledger) as metrics, serve_inbox(inbox) as hook:
        ledger.snapshot = _accounts(names, 0.2, 1)
        async with running(database_url, metrics, hook, delivery_timeout_seconds=0.3) as http:
            await wait_until_async(lambda: len(inbox.received) >= 8, describe=lambda: inbox.received)
            ledger.snapshot = _accounts(names, 0.0, 2)
            await wait_until_async(
                lambda: len({body["key"] for body in inbox.accepted}) == 16, describe=lambda: inbox.received
            )
            detail = (await http.get("/health/detail")).json()["outbox"]

    states_by_scope: dict[str, list[str]] = {}
    for body in inbox.accepted:
        states_by_scope.setdefault(body["scope"], []).append(body["state"])
    assert {scope: list(dict.fromkeys(states)) for scope, states in states_by_scope.items()} == {
        f"account:{name}": ["firing", "resolved"] for name in names
    }
    assert detail.get("dead", 0) == 0


def _accounts(names: list[str], drawdown: float, sequence: int) -> dict[str, Any]:
    whole = figures(drawdown, sequence)
    return {**whole, "items": [{**whole["items"][0], "account": name} for name in names]}


async def test_a_notification_that_is_never_acknowledged_is_dead(database_url: str) -> None:
    inbox, ledger = Inbox(answers=[500]), Figures(figures(0.2))
    with serve_figures(ledger) as metrics, serve_inbox(inbox) as hook:
        async with running(database_url, metrics, hook, delivery_attempts=2) as http:

            async def is_dead() -> bool:
                return bool((await http.get("/health/detail")).json()["outbox"].get("dead"))

            await wait_until_async(is_dead)

    assert len(inbox.received) == 2


async def test_an_expired_lease_does_not_requeue_a_delivered_notification(database_url: str) -> None:
    database, record = Database(database_url), _record()
    later = NOW + timedelta(seconds=10)
    body = {"key": "a/1/firing/webhook", "alert_id": "a"}
    async with database.transaction() as session:
        await outbox.enqueue(session, body, "webhook", "waiting", NOW)
        (slow,) = await outbox.claim(session, outbox.OutboxClaim("webhook"), NOW, NOW + timedelta(seconds=5))
        (slow_id, slow_attempt) = (slow.id, slow.attempts)
    async with database.transaction() as session:
        (quick,) = await outbox.claim(session, outbox.OutboxClaim("webhook"), later, later + timedelta(seconds=5))
        await outbox.record_attempt(session, quick.id, "delivered", later, next(record))

    async with database.transaction() as session:
        await outbox.record_attempt(session, slow_id, "waiting", later, {**next(record), "attempt": slow_attempt})
        counts = await outbox.count_by_status(session)
    await database.close()

    assert counts == {"delivered": 1}


def _record() -> Iterator[dict[str, object]]:
    while True:
        yield {"at": NOW, "attempt": 2, "outcome": "any", "status_code": None, "detail": "", "seconds": 0.0}


async def test_retry_after_is_honoured(database_url: str) -> None:
    inbox, ledger = Inbox(answers=[429, 200], retry_after="2"), Figures(figures(0.2))
    with serve_figures(ledger) as metrics, serve_inbox(inbox) as hook:
        async with running(database_url, metrics, hook) as http:
            await wait_until_async(lambda: has_attempts(http, 2))
            attempts = await attempted(http)

    first, second = sorted(attempts, key=lambda row: str(row["at"]))
    waited = datetime.fromisoformat(second["at"]) - datetime.fromisoformat(first["at"])
    assert waited.total_seconds() >= 2.0


async def test_a_notification_leased_by_a_dead_process_is_delivered_after_its_lease(
    database_url: str,
) -> None:
    inbox, ledger = Inbox(), Figures(figures(0.2))
    with serve_figures(ledger) as metrics:
        async with running(database_url, metrics, "http://127.0.0.1:9/closed") as http:
            await wait_until_async(lambda: has_alert(http))
            await wait_until_async(lambda: has_attempts(http, 1))
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
            await connection.execute(
                "UPDATE alerts.outbox SET leased_until = now() + interval '1 second', next_at = now()"
            )
        with serve_inbox(inbox) as hook:
            async with running(database_url, metrics, hook):
                await wait_until_async(lambda: len(inbox.accepted) == 1, describe=lambda: inbox.received)

    assert inbox.accepted[0]["state"] == "firing"
