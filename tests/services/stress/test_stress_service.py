"""Runs over REST and from Locust's page: started, checked and stored; no other site may start one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psutil
import pytest
from tests.services.stress.tiny_engine import TinyEngine, serving
from tests.support.ports import free_port
from tests.support.waiting import wait_until_async

from seatrial_stress.app import build
from seatrial_stress.settings import StressSettings

TOKEN = "a-long-token-for-stress-runs"
READER = "a-long-token-that-only-reads"
RUN_SECONDS = 60.0
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
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost", headers=headers) as http,
    ):
        yield http


async def wait_for_end(http: httpx.AsyncClient, identity: str) -> dict[str, Any]:
    """Wait until a run is over and return its state."""

    async def state() -> dict[str, Any]:
        document: dict[str, Any] = (await http.get(f"/v1/runs/{identity}")).json()
        return document

    async def is_over() -> bool:
        return bool((await state())["status"] != "running")

    await wait_until_async(is_over, RUN_SECONDS, state)
    return await state()


async def test_run_over_rest_is_checked_and_stored(database_url: str) -> None:
    with serving(TinyEngine()) as engine_url:
        async with running(database_url, engine_url) as http:
            started = await http.post("/v1/runs", json={"plan": PLAN})
            second = await http.post("/v1/runs", json={"plan": PLAN})
            state = await wait_for_end(http, started.json()["id"])
            metrics = (await http.get("/metrics")).text

        async with running(database_url, engine_url) as http:
            listed = (await http.get("/v1/runs")).json()["items"]

    assert started.status_code == 202
    assert second.status_code == 409
    assert (state["status"], state["verdict"]) == ("finished", "PASS"), state
    assert {check["kind"] for check in state["report"]["checks"]} == {"generator", "slo", "ledger"}
    assert 'stress_runs_total{verdict="PASS"} 1.0' in metrics
    assert [run["id"] for run in listed] == [state["id"]]
    assert listed[0]["report"] == state["report"]


async def test_target_that_is_not_allowed_is_forbidden(database_url: str) -> None:
    async with running(database_url, "http://127.0.0.1:9") as http:
        answer = await http.post("/v1/runs", json={"plan": "high_frequency", "target": "http://example.com"})

    assert answer.status_code == 403
    assert "SEATRIAL_STRESS_TARGETS" in answer.json()["detail"]


async def test_runs_are_listed_in_pages_newest_first(database_url: str) -> None:
    with serving(TinyEngine()) as engine_url:
        async with running(database_url, engine_url) as http:
            started = []
            for _ in range(3):
                started.append((await http.post("/v1/runs", json={"plan": "high_frequency"})).json()["id"])
                await http.delete(f"/v1/runs/{started[-1]}")
            first = (await http.get("/v1/runs", params={"limit": 2})).json()
            second = (await http.get("/v1/runs", params={"limit": 2, "cursor": first["next_cursor"]})).json()
            refused = await http.get("/v1/runs", params={"cursor": "yesterday"})

    assert [run["id"] for run in first["items"] + second["items"]] == started[::-1]
    assert second["next_cursor"] is None
    assert refused.status_code == 422


async def test_cancelled_run_ends_at_once_without_a_verdict(database_url: str) -> None:
    with serving(TinyEngine()) as engine_url:
        async with running(database_url, engine_url) as http:
            identity = (await http.post("/v1/runs", json={"plan": "high_frequency"})).json()["id"]
            state = (await http.delete(f"/v1/runs/{identity}")).json()

    assert state["status"] == "cancelled"
    assert state["verdict"] is None


async def test_locusts_page_requires_a_login_and_refuses_other_sites(database_url: str) -> None:
    port = free_port()
    async with (
        running(database_url, "http://127.0.0.1:9", port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as page,
    ):
        form = {"user_classes": "HighFrequency", "user_count": "1", "host": "http://127.0.0.1:9"}
        bearer = {"Authorization": f"Bearer {TOKEN}"}

        anonymous = await page.get("/", headers={"Accept": "text/html"})
        wrong = await page.post("/login", data={"token": "a-wrong-token-of-some-length"})
        reader = await page.post("/swarm", data=form, headers={"Authorization": f"Bearer {READER}"})
        cross_origin = await page.post("/swarm", data=form, headers={**bearer, "Origin": "http://evil.example"})
        other_target = await page.post("/swarm", data={**form, "host": "http://example.com"}, headers=bearer)
        other_post = await page.post("/user", json={"user_class_name": "HighFrequency"}, headers=bearer)
        two_classes = await page.post("/swarm", data={"user_classes": ["ApiFailure", "HighFrequency"]}, headers=bearer)

    assert anonymous.status_code == 401
    assert "<form" in anonymous.text
    assert wrong.status_code == 401
    assert "not known here" in wrong.text
    assert "<form" in wrong.text
    assert (reader.status_code, cross_origin.status_code, other_target.status_code, other_post.status_code) == (
        403,
    ) * 4
    assert (two_classes.status_code, two_classes.json()["success"]) == (422, False)
    assert two_classes.json()["message"] == two_classes.json()["detail"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"plan": "calm"}, "The plan must be one of high_frequency, memory_under_load, concurrent_trades, api_failure"),
        ({"user_count": "0"}, "Requests per second must be a whole number from 1 to 2000"),
        ({"user_count": "1.5"}, "'1.5' was sent"),
        ({"run_time": "2h"}, "Run time must be from 1s to 1h"),
        ({"host": "x" * 3_000}, "Host must be the address of an engine"),
        ({"user_classes": "Calm"}, "send one user class of HighFrequency"),
    ],
)
async def test_a_wrong_field_of_locusts_form_is_a_422_with_a_sentence(
    database_url: str, fields: dict[str, str], sentence: str
) -> None:
    async with (
        running(database_url, "http://127.0.0.1:9", port := free_port()),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as page,
    ):
        form = {"user_count": "1", "spawn_rate": "1", "host": "http://127.0.0.1:9", **fields}
        answer = await page.post("/swarm", data=form, headers={"Authorization": f"Bearer {TOKEN}"})

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["success"] is False
    assert sentence in answer.json()["message"]


async def test_addresses_of_buttons_lead_back_to_the_page(database_url: str) -> None:
    async with (
        running(database_url, "http://127.0.0.1:9", port := free_port()),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"Accept": "text/html"}) as page,
    ):
        await page.post("/login", data={"token": TOKEN})
        await wait_for_page(page)
        typed = [await page.get(path) for path in ("/stop", "/swarm", "/stats/reset", "/login", "/logout")]
        session = await page.get("/stats/requests")
        nowhere = await page.get("/nowhere")
        program = await page.get("/stop", headers={"Accept": "*/*"})
        lost = await page.get("/nowhere", headers={"Accept": "*/*"})
        left = await page.post("/logout", follow_redirects=True)
        ended = await page.get("/", headers={"Cookie": f"seatrial_session_{port}=of-yesterday"})

    assert [(answer.status_code, answer.headers["location"].strip(".")) for answer in typed] == [(303, "/")] * 5
    assert session.status_code == 200
    assert (nowhere.status_code, lost.status_code) == (404, 404)
    assert "There is no /nowhere on the load page." in nowhere.text
    assert '<a href="/">' in nowhere.text
    assert lost.json()["code"] == "not_found"
    assert (program.status_code, program.headers["allow"]) == (405, "POST")
    assert (left.status_code, ended.status_code) == (401, 401)
    assert "You are logged out." in left.text
    assert "Your session has ended" in ended.text
    assert "Bearer" not in ended.text
    assert left.text.count("<form") == ended.text.count("<form") == 1


async def test_run_started_in_locusts_form_is_checked_and_stored(database_url: str) -> None:
    port = free_port()
    with serving(TinyEngine()) as engine_url:
        async with (
            running(database_url, engine_url, port) as http,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as page,
        ):
            logged_in = await page.post("/login", data={"token": TOKEN})
            cookie = logged_in.headers["set-cookie"]
            await wait_for_page(page)
            form = {"user_classes": "HighFrequency", "user_count": "40", "host": engine_url, "run_time": "3s"}
            started = await page.post("/swarm", data=form, headers={"Origin": f"http://127.0.0.1:{port}"})
            identity = (await http.get("/v1/runs")).json()["items"][0]["id"]
            state = await wait_for_end(http, identity)
            statistics = (await page.get("/stats/requests")).json()
            session = dict(page.cookies)
            await page.post("/logout")
            name = f"seatrial_session_{port}"
            after_logout = await page.get("/stats/requests", headers={"Cookie": f"{name}={session[name]}"})
        left = [child.name() for child in psutil.Process().children() if "locust" in " ".join(child.cmdline())]

    assert logged_in.status_code == 303
    assert TOKEN not in cookie
    assert {"HttpOnly", "SameSite=strict"} <= set(cookie.split("; "))
    assert after_logout.status_code == 401
    assert started.json()["success"] is True
    assert identity in started.json()["message"]
    assert (state["origin"], state["status"]) == ("ui", "finished")
    assert state["verdict"] in {"PASS", "INCONCLUSIVE"}, state["report"]["checks"]
    assert state["report"]["counts"]["scheduled"] == state["report"]["counts"]["ok"] > 60
    assert next(row["num_requests"] for row in statistics["stats"] if row["name"] == "signal") > 60
    assert left == []


async def wait_for_page(page: httpx.AsyncClient) -> None:
    """Wait until Locust's page is served; until then the proxy answers 503."""

    async def is_served() -> bool:
        response = await page.get("/")
        assert response.status_code in {200, 503}
        return response.status_code == 200

    await wait_until_async(is_served, RUN_SECONDS)
    assert "Locust" in (await page.get("/")).text
