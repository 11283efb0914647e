"""Rules, silences, pages and metrics while alerts fire."""

from pathlib import Path
from typing import Any

import httpx
from tests.services.alerts.running_alerts import figures, has_alert, listed, running
from tests.services.alerts.small_servers import Figures, Inbox, serve_figures, serve_inbox
from tests.support.waiting import wait_until_async

SILENCE = {
    "rule": "max_drawdown",
    "reason": "maintenance",
    "created_by": "ada",
    "expires_at": "2099-01-01T00:00:00Z",
}


async def _history(http: httpx.AsyncClient) -> list[dict[str, Any]]:
    alert = (await listed(http))[0]
    steps: list[dict[str, Any]] = (await http.get(f"/v1/alerts/{alert['id']}/history")).json()["items"]
    return steps


async def test_deleting_a_rule_resolves_its_alert_with_a_notification(database_url: str) -> None:
    inbox, ledger = Inbox(), Figures(figures(0.2))
    with serve_figures(ledger) as metrics, serve_inbox(inbox) as hook:
        async with running(database_url, metrics, hook) as http:
            await wait_until_async(lambda: len(inbox.accepted) == 1, describe=lambda: inbox.received)
            gone = await http.delete("/v1/rules/max_drawdown")
            again = await http.delete("/v1/rules/max_drawdown")
            await wait_until_async(lambda: len(inbox.accepted) == 2, describe=lambda: inbox.received)
            alerts, steps = await listed(http), await _history(http)

    assert (gone.status_code, again.status_code) == (204, 404)
    assert [(body["state"], body["reason"]) for body in inbox.accepted][1] == ("resolved", "the rule was deleted")
    assert [alert["status"] for alert in alerts] == ["resolved"]
    assert [step["kind"] for step in steps] == ["firing", "resolved"]


async def test_a_silence_leaves_its_reason_in_the_history(database_url: str) -> None:
    inbox, ledger = Inbox(), Figures(figures(0.0))
    with serve_figures(ledger) as metrics, serve_inbox(inbox) as hook:
        async with running(database_url, metrics, hook) as http:
            await http.post("/v1/silences", json=SILENCE)
            ledger.snapshot = figures(0.2, 2)
            await wait_until_async(lambda: has_alert(http))
            steps = await _history(http)

    assert [step["kind"] for step in steps] == ["firing", "suppressed"]
    assert "ada" in steps[1]["reason"]
    assert "maintenance" in steps[1]["reason"]
    assert inbox.received == []


async def test_a_notified_alert_is_resolved_with_a_notification_despite_a_silence(database_url: str) -> None:
    inbox, ledger = Inbox(), Figures(figures(0.2))
    with serve_figures(ledger) as metrics, serve_inbox(inbox) as hook:
        async with running(database_url, metrics, hook) as http:
            await wait_until_async(lambda: len(inbox.accepted) == 1, describe=lambda: inbox.received)
            await http.post("/v1/silences", json=SILENCE)
            ledger.snapshot = figures(0.0, 2)
            await wait_until_async(lambda: len(inbox.accepted) == 2, describe=lambda: inbox.received)

    assert [body["state"] for body in inbox.accepted] == ["firing", "resolved"]


async def test_an_alert_whose_scope_is_missing_keeps_firing_and_is_stale(database_url: str) -> None:
    ledger = Figures(figures(0.2))
    with serve_figures(ledger) as metrics:
        async with running(database_url, metrics) as http:
            await wait_until_async(lambda: has_alert(http))
            ledger.snapshot = {**figures(0.2, 2), "items": []}
            alert = (await listed(http))[0]["id"]

            async def is_stale() -> bool:
                return bool((await http.get(f"/v1/alerts/{alert}")).json()["is_stale"])

            await wait_until_async(is_stale)
            alerts = await listed(http, status="firing")

    assert [(alert["status"], alert["is_stale"]) for alert in alerts] == [("firing", True)]


async def test_pages_of_alerts_follow_each_other_and_other_cursors_are_refused(database_url: str) -> None:
    ledger = Figures(figures(0.2))
    ledger.snapshot["items"][0]["values"]["session_loss_ratio"] = 0.5
    with serve_figures(ledger) as metrics:
        async with running(database_url, metrics) as http:
            await wait_until_async(lambda: has_alert(http))
            first = (await http.get("/v1/alerts", params={"limit": 1})).json()
            second = (await http.get("/v1/alerts", params={"limit": 1, "cursor": first["next_cursor"]})).json()
            refused = [
                await http.get("/v1/alerts", params={"cursor": bad}) for bad in ("x", "a/b", "2026-01-01/1", "/")
            ]

    assert {first["items"][0]["rule"], second["items"][0]["rule"]} == {"max_drawdown", "daily_loss_limit"}
    assert second["next_cursor"] is None
    assert [(answer.status_code, answer.json()["errors"][0]["field"]) for answer in refused] == [(422, "cursor")] * 4


async def test_the_rule_file_overrides_stored_rules_at_every_start(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("[alert_thresholds]\nmax_drawdown = 0.25\n", encoding="utf-8")
    ledger = Figures(figures(0.2))
    with serve_figures(ledger) as metrics:
        async with running(database_url, metrics) as http:
            await http.put("/v1/thresholds", json={"max_drawdown": 0.5, "daily_loss_limit": 0.01})
        async with running(database_url, metrics, rules_file=str(path)) as http:
            thresholds = (await http.get("/v1/thresholds")).json()

    assert (thresholds["max_drawdown"], thresholds["daily_loss_limit"]) == (0.25, 0.01)


async def test_the_metrics_page_shows_firing_waiting_and_unmatched_rules(database_url: str) -> None:
    ledger = Figures(figures(0.2))
    with serve_figures(ledger) as metrics:
        async with running(database_url, metrics, "http://127.0.0.1:9/closed") as http:

            async def shows_all() -> bool:
                samples = await _samples(http)
                waits = samples.get('alerts_outbox_waiting{channel="webhook"}') == 1.0
                return waits and samples.get('alerts_firing{rule="max_drawdown"}') == 1.0

            await wait_until_async(shows_all)
            samples = await _samples(http)

    assert samples['alerts_firing{rule="win_rate_min"}'] == 0.0
    assert samples['alerts_rule_matched{rule="max_drawdown"}'] == 1.0
    assert samples['alerts_rule_matched{rule="api_latency_max"}'] == 0.0
    assert samples['alerts_breaker_state{state="ready"}'] == 1.0
    assert samples["alerts_outbox_oldest_timestamp_seconds"] > 1.7e9
    assert samples["alerts_notifications_dead_total"] == 0.0


async def _samples(http: httpx.AsyncClient) -> dict[str, float]:
    lines = (await http.get("/metrics")).text.splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if line and not line.startswith("#")]
    return {name: float(value) for name, value in pairs}
