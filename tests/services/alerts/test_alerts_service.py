"""The alerts service from snapshot to webhook, with a real Postgres and real HTTP on both sides."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest
from tests.services.alerts.running_alerts import SECRET, figures, has_alert, listed, running
from tests.services.alerts.small_servers import Figures, Inbox, serve_figures, serve_inbox
from tests.support.waiting import wait_until_async

from seatrial_alerts.settings import AlertsSettings
from seatrial_alerts.store.rules import MAX_RULES
from seatrial_core.errors import SettingsError
from seatrial_core.signing import verify


async def test_firing_and_resolved_are_notified_once_signed_and_in_order(database_url: str) -> None:
    inbox, ledger = Inbox(), Figures(figures(0.2))
    with serve_figures(ledger) as metrics, serve_inbox(inbox) as hook:
        async with running(database_url, metrics, hook) as http:
            await wait_until_async(lambda: len(inbox.accepted) == 1, describe=lambda: inbox.received)
            ledger.snapshot = figures(0.0, 2)
            await wait_until_async(lambda: len(inbox.accepted) == 2, describe=lambda: inbox.received)
            await asyncio.sleep(0.1)
            alerts = await listed(http)
            history = (await http.get(f"/v1/alerts/{alerts[0]['id']}/history")).json()["items"]

    assert [(body["rule"], body["state"]) for body in inbox.accepted] == [
        ("max_drawdown", "firing"),
        ("max_drawdown", "resolved"),
    ]
    assert [step["kind"] for step in history] == ["firing", "resolved"]
    assert (alerts[0]["status"], alerts[0]["metric"], alerts[0]["threshold"]) == ("resolved", "drawdown_ratio", 0.1)
    for body, headers in zip(inbox.accepted, inbox.headers, strict=True):
        now = int(datetime.now(UTC).timestamp())  # noqa: TID251  the receiver's own clock
        stamp, signature = headers["X-Seatrial-Timestamp"], headers["X-Seatrial-Signature"]
        assert verify(SECRET, body["_raw"].encode(), stamp, signature, now=now) is None
        assert headers["Idempotency-Key"] == body["key"]


async def test_an_unknown_value_keeps_the_alert_firing_and_stale(database_url: str) -> None:
    ledger = Figures(figures(0.2))
    with serve_figures(ledger) as metrics:
        async with running(database_url, metrics) as http:
            await wait_until_async(lambda: has_alert(http))
            ledger.snapshot = figures(None, 2)
            await wait_until_async(lambda: _is_stale(http))
            alerts = await listed(http, status="firing")

    assert [alert["rule"] for alert in alerts] == ["max_drawdown"]


async def _is_stale(http: httpx.AsyncClient) -> bool:
    return any(alert["is_stale"] for alert in await listed(http))


async def test_two_evaluators_make_one_alert(database_url: str) -> None:
    inbox, ledger = Inbox(), Figures(figures(0.2))
    with serve_figures(ledger) as metrics, serve_inbox(inbox) as hook:
        async with running(database_url, metrics, hook) as one, running(database_url, metrics, hook) as other:
            await wait_until_async(lambda: has_alert(one))
            await asyncio.sleep(0.1)
            await asyncio.sleep(0.1)
            alerts = await listed(other)
            await wait_until_async(lambda: len(inbox.accepted) >= 1, describe=lambda: inbox.received)

    assert len(alerts) == 1
    assert len({body["key"] for body in inbox.accepted}) == 1


async def test_alert_states_survive_a_restart(database_url: str) -> None:
    ledger = Figures(figures(0.2))
    with serve_figures(ledger) as metrics:
        async with running(database_url, metrics) as http:
            await wait_until_async(lambda: has_alert(http))
        async with running(database_url, metrics) as http:
            await asyncio.sleep(0.1)
            before = await listed(http)
            ledger.snapshot = figures(0.0, 2)
            await wait_until_async(lambda: _is_resolved(http))

    assert len(before) == 1


async def _is_resolved(http: httpx.AsyncClient) -> bool:
    return [alert["status"] for alert in await listed(http)] == ["resolved"]


async def test_a_silence_suppresses_the_notification_and_records_the_alert(database_url: str) -> None:
    inbox, ledger = Inbox(), Figures(figures(0.0))
    with serve_figures(ledger) as metrics, serve_inbox(inbox) as hook:
        async with running(database_url, metrics, hook) as http:
            made = await http.post(
                "/v1/silences",
                json={
                    "rule": "max_drawdown",
                    "reason": "maintenance",
                    "created_by": "ada",
                    "expires_at": "2099-01-01T00:00:00Z",
                },
            )
            ledger.snapshot = figures(0.2, 2)
            await wait_until_async(lambda: has_alert(http))
            await asyncio.sleep(0.1)
            ended = await http.delete(f"/v1/silences/{made.json()['id']}")

    assert (made.status_code, ended.status_code) == (201, 204)
    assert inbox.received == []


async def test_thresholds_rules_and_errors_by_name(database_url: str) -> None:
    ledger = Figures(figures(0.2))
    with serve_figures(ledger) as metrics:
        async with running(database_url, metrics) as http:
            unknown = await http.put("/v1/thresholds", json={"drawdown": 0.1})
            changed = await http.put("/v1/thresholds", json={"max_drawdown": 0.3})
            rule = (await http.get("/v1/rules/max_drawdown")).json()
            wrong = await http.put("/v1/rules/max_drawdown", json={**rule, "recovery": 0.4})
            extra = await http.put("/v1/rules/max_drawdown", json={**rule, "thresold": 0.4})
            missing = await http.get("/v1/rules/nothing_here")
            untold = await http.post("/v1/test-notification")

    assert unknown.status_code == 422
    assert "known are max_drawdown" in unknown.json()["detail"]
    assert changed.json()["max_drawdown"] == rule["threshold"] == 0.3
    assert "wrong side" in wrong.json()["detail"]
    assert extra.json()["errors"][0]["field"] == "thresold"
    assert missing.status_code == 404
    assert "ALERT_WEBHOOK_URL" in untold.json()["detail"]


@pytest.mark.parametrize("url", ["ftp://example.invalid/x", "not an address", "http://"])
def test_an_invalid_webhook_stops_the_start_by_name(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_WEBHOOK_URL", url)

    with pytest.raises(SettingsError, match="ALERT_WEBHOOK_URL"):
        AlertsSettings.load()


async def test_rules_beyond_the_greatest_number_are_refused_and_the_others_may_change(database_url: str) -> None:
    with serve_figures(Figures(figures(0.0))) as metrics:
        async with running(database_url, metrics) as http:
            rule = (await http.get("/v1/rules/max_drawdown")).json()
            statuses = [
                (await http.put(f"/v1/rules/extra_{number}", json={**rule, "name": f"extra_{number}"})).status_code
                for number in range(MAX_RULES)
            ]
            changed = await http.put("/v1/rules/max_drawdown", json={**rule, "threshold": 0.5})

    assert set(statuses) == {200, 409}
    assert statuses == sorted(statuses)
    assert changed.status_code == 200
