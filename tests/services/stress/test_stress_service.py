"""Runs over REST and from Locust's page: started, judged, stored; nobody else's page may start one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psutil
from tests.services.stress.tiny_engine import TinyEngine, serving
from tests.support.ports import free_port
from tests.support.waiting import wait_until_async

from seatrial_stress.app import build
from seatrial_stress.settings import StressSettings

TOKEN = "a-long-token-for-stress-runs"
READER = "a-long-token-that-only-reads"
PATIENCE_SECONDS = 60.0
PLAN = {
    "name": "tiny",
    "rate_per_second": 30,
    "duration_seconds": 2,
    "warm_up_seconds": 0,
    "slos": [{"quantile": 0.95, "seconds": 6}],
    "max_error_ratio": 0.2,
}


@asynccontextmanager
async def running(database_url: str, engine_url: str, ui_port: int = 0) -> AsyncIterator[httpx.AsyncClient]:
    settings = StressSettings.load(
        database_url=database_url,
        engine_url=engine_url,
        ui_port=ui_port,
        tokens=f"{TOKEN}=stress:run,stress:read;{READER}=stress:read",
    )
    app = build(settings)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://stress", headers=headers) as http,
    ):
        yield http


async def finished(http: httpx.AsyncClient, identity: str) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        state: dict[str, Any] = (await http.get(f"/v1/runs/{identity}")).json()
        return state

    async def has_ended() -> bool:
        return bool((await run())["status"] != "running")

    await wait_until_async(has_ended, PATIENCE_SECONDS, describe=run)
    return await run()


async def test_run_over_rest_is_judged_and_stored(database_url: str) -> None:
    with serving(TinyEngine()) as engine_url:
        async with running(database_url, engine_url) as http:
            begun = await http.post("/v1/runs", json={"plan": PLAN})
            second = await http.post("/v1/runs", json={"plan": PLAN})
            state = await finished(http, begun.json()["id"])
            metrics = (await http.get("/metrics")).text

        async with running(database_url, engine_url) as http:
            listed = (await http.get("/v1/runs")).json()["items"]

    assert begun.status_code == 202
    assert second.status_code == 409
    assert (state["status"], state["verdict"]) == ("finished", "PASS"), state
    assert {check["kind"] for check in state["report"]["checks"]} == {"generator", "slo", "ledger"}
    assert 'stress_runs_total{verdict="PASS"} 1.0' in metrics
    assert [each["id"] for each in listed] == [state["id"]]
    assert listed[0]["report"] == state["report"]


async def test_target_that_is_not_allowed_is_forbidden(database_url: str) -> None:
    async with running(database_url, "http://127.0.0.1:9") as http:
        answer = await http.post("/v1/runs", json={"plan": "high_frequency", "target": "http://example.com"})

    assert answer.status_code == 403
    assert "SEATRIAL_STRESS_TARGETS" in answer.json()["detail"]


async def test_cancelled_run_ends_at_once_and_is_not_green(database_url: str) -> None:
    with serving(TinyEngine()) as engine_url:
        async with running(database_url, engine_url) as http:
            identity = (await http.post("/v1/runs", json={"plan": "high_frequency"})).json()["id"]
            state = (await http.delete(f"/v1/runs/{identity}")).json()

    assert state["status"] == "cancelled"
    assert state["verdict"] is None


async def test_locusts_page_needs_a_login_and_refuses_other_pages(database_url: str) -> None:
    port = free_port()
    async with (
        running(database_url, "http://127.0.0.1:9", port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as page,
    ):
        form = {"user_classes": "HighFrequency", "user_count": "1", "host": "http://127.0.0.1:9"}
        bearer = {"Authorization": f"Bearer {TOKEN}"}

        stranger = await page.get("/", headers={"Accept": "text/html"})
        wrong = await page.post("/login", data={"token": "a-wrong-token-of-some-length"})
        reader = await page.post("/swarm", data=form, headers={"Authorization": f"Bearer {READER}"})
        crossed = await page.post("/swarm", data=form, headers={**bearer, "Origin": "http://evil.example"})
        elsewhere = await page.post("/swarm", data={**form, "host": "http://example.com"}, headers=bearer)
        injected = await page.post("/user", json={"user_class_name": "HighFrequency"}, headers=bearer)
        several = await page.post("/swarm", data={"user_classes": ["ApiFailure", "HighFrequency"]}, headers=bearer)

    assert stranger.status_code == 401
    assert "<form" in stranger.text
    assert wrong.status_code == 401
    assert (reader.status_code, crossed.status_code, elsewhere.status_code, injected.status_code) == (403,) * 4
    assert several.json()["success"] is False


async def test_run_started_in_locusts_form_is_journalled_judged_and_stored(database_url: str) -> None:
    port = free_port()
    with serving(TinyEngine()) as engine_url:
        async with (
            running(database_url, engine_url, port) as http,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as page,
        ):
            logged_in = await page.post("/login", data={"token": TOKEN})
            await _standing(page)
            form = {"user_classes": "HighFrequency", "user_count": "40", "host": engine_url, "run_time": "3s"}
            begun = await page.post("/swarm", data=form, headers={"Origin": f"http://127.0.0.1:{port}"})
            identity = (await http.get("/v1/runs")).json()["items"][0]["id"]
            state = await finished(http, identity)
            shown = (await page.get("/stats/requests")).json()
        left = [each.name() for each in psutil.Process().children() if "locust" in " ".join(each.cmdline())]

    assert logged_in.status_code == 303
    assert begun.json()["success"] is True
    assert identity in begun.json()["message"]
    assert (state["origin"], state["status"]) == ("ui", "finished")
    assert state["verdict"] in {"PASS", "INCONCLUSIVE"}, state["report"]["checks"]
    assert state["report"]["counts"]["scheduled"] == state["report"]["counts"]["ok"] > 60
    assert next(each["num_requests"] for each in shown["stats"] if each["name"] == "signal") > 60
    assert left == []


async def _standing(page: httpx.AsyncClient) -> None:
    async def answers() -> bool:
        status = (await page.get("/")).status_code
        assert status in {200, 503}
        return status == 200

    await wait_until_async(answers, PATIENCE_SECONDS)
    assert "Locust" in (await page.get("/")).text
