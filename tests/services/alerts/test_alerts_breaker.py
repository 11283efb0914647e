"""The circuit breaker: a breach halts the engine, and a person resumes it with a reason."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from structlog.testing import capture_logs
from tests.services.alerts.running_alerts import figures, listed, running
from tests.services.alerts.small_servers import Figures, Inbox, serve_figures, serve_inbox
from tests.support.http_stub import RecordedRequest, StubResponse, http_stub, json_response
from tests.support.waiting import wait_until_async


@dataclass
class Engine:
    """An engine that accepts commands; unless it ignores them."""

    state: str = "active"
    ignores_commands: bool = False
    commands: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # Any: JSON


@contextmanager
def serve_engine(engine: Engine) -> Iterator[str]:
    def answer(request: RecordedRequest) -> StubResponse:
        if request.path == "/v1/orders/check":
            return json_response({"accepted": engine.state == "active", "reason": None, "state": engine.state})
        command = request.path.removeprefix("/v1/control/")
        engine.commands.append((command, request.json()))
        if not engine.ignores_commands:
            engine.state = {"halt": "halted", "resume": "active"}[command]
        return json_response({"state": engine.state})

    with http_stub(answer) as stub:
        yield stub.url


async def _halt_on_drawdown(http: httpx.AsyncClient) -> None:
    rule = (await http.get("/v1/rules/max_drawdown")).json()
    answer = await http.put("/v1/rules/max_drawdown", json={**rule, "action": "halt"})
    assert answer.status_code == 200


async def _breaker(http: httpx.AsyncClient) -> dict[str, Any]:
    answer: dict[str, Any] = (await http.get("/v1/breaker")).json()
    return answer


async def _breaker_is(http: httpx.AsyncClient, state: str) -> bool:
    return bool((await _breaker(http))["state"] == state)


async def test_a_breach_halts_the_engine_and_a_person_resumes_it(database_url: str) -> None:
    engine, inbox, ledger = Engine(), Inbox(), Figures(figures(0.0))
    with serve_figures(ledger) as metrics, serve_inbox(inbox) as hook, serve_engine(engine) as url:
        async with running(database_url, metrics, hook, engine_url=url) as http:
            before = await _breaker(http)
            nothing = await http.post("/v1/breaker/resume", json={"by": "ada", "reason": "impatience"})
            await _halt_on_drawdown(http)
            ledger.snapshot = figures(0.2, 2)
            await wait_until_async(lambda: _breaker_is(http, "halted"))
            without_reason = await http.post("/v1/breaker/resume", json={"by": "ada"})
            first = await http.post("/v1/breaker/resume", json={"by": "ada", "reason": "cause understood"})
            second = await http.post("/v1/breaker/resume", json={"by": "bob", "reason": "me too"})
            await wait_until_async(lambda: _breaker_is(http, "ready"))
            await wait_until_async(lambda: len(inbox.accepted) == 3, describe=lambda: inbox.received)
            alert = (await listed(http))[0]["id"]
            steps = (await http.get(f"/v1/alerts/{alert}/history")).json()["items"]

    assert before["state"] == "ready"
    assert (nothing.status_code, without_reason.status_code, first.status_code, second.status_code) == (
        409,
        422,
        202,
        409,
    )
    assert [(name, body["actor"]) for name, body in engine.commands] == [("halt", "seatrial-alerts"), ("resume", "ada")]
    assert engine.state == "active"
    assert [step["kind"] for step in steps] == ["firing", "halt_commanded", "halted", "resume_commanded", "resumed"]
    assert [body["state"] for body in inbox.accepted] == ["firing", "halted", "resumed"]


async def test_an_engine_that_ignores_a_halt_is_notified_and_commanded_again(database_url: str) -> None:
    engine, inbox, ledger = Engine(ignores_commands=True), Inbox(), Figures(figures(0.0))
    with serve_figures(ledger) as metrics, serve_inbox(inbox) as hook, serve_engine(engine) as url:
        async with running(database_url, metrics, hook, engine_url=url) as http:
            await _halt_on_drawdown(http)
            ledger.snapshot = figures(0.2, 2)
            await wait_until_async(
                lambda: any(body["state"] == "unconfirmed" for body in inbox.accepted), describe=lambda: inbox.received
            )
            attempts = len(engine.commands)
            breaker = await _breaker(http)
            engine.ignores_commands = False
            await wait_until_async(lambda: _breaker_is(http, "halted"))

    assert attempts >= 3
    assert breaker["state"] == "halting"
    assert "'active'" in breaker["problem"]
    assert engine.state == "halted"


async def test_a_halt_survives_a_restart_while_the_engine_is_away(database_url: str) -> None:
    engine, ledger = Engine(), Figures(figures(0.0))
    with serve_figures(ledger) as metrics:
        async with running(database_url, metrics) as http:
            await _halt_on_drawdown(http)
            ledger.snapshot = figures(0.2, 2)
            await wait_until_async(lambda: _breaker_is(http, "halting"))
        ledger.snapshot = figures(0.0, 3)
        with serve_engine(engine) as url:
            async with running(database_url, metrics, engine_url=url) as http:
                await wait_until_async(lambda: _breaker_is(http, "halted"))

    assert [name for name, _ in engine.commands] == ["halt"]


async def test_a_replay_never_halts_the_engine(database_url: str) -> None:
    engine, ledger = Engine(), Figures(figures(0.0))
    with serve_figures(ledger) as metrics, serve_engine(engine) as url:
        async with running(database_url, metrics, engine_url=url) as http:
            await _halt_on_drawdown(http)
            replayed = figures(0.2, 2)
            replayed["items"][0]["environment"] = "replay"
            ledger.snapshot = replayed
            await wait_until_async(lambda: _fires(http))
            breaker = await _breaker(http)

    assert breaker["state"] == "ready"
    assert engine.commands == []


async def _fires(http: httpx.AsyncClient) -> bool:
    return [alert["status"] for alert in await listed(http)] == ["firing"]


async def test_with_tokens_the_actor_is_the_token_and_the_engine_learns_which_alert(database_url: str) -> None:
    engine, ledger, operator = Engine(), Figures(figures(0.0)), "operator-token-0123456789"
    with serve_figures(ledger) as metrics, serve_engine(engine) as url, capture_logs() as logged:
        tokens = f"{operator}=alerts:read,alerts:write,name:operator"
        async with running(database_url, metrics, engine_url=url, tokens=tokens) as http:
            http.headers["Authorization"] = f"Bearer {operator}"
            await _halt_on_drawdown(http)
            ledger.snapshot = figures(0.2, 2)
            await wait_until_async(lambda: _breaker_is(http, "halted"))
            alert = (await listed(http))[0]["id"]
            resumed = await http.post("/v1/breaker/resume", json={"by": "the chairman", "reason": "cause understood"})
            acknowledged = await http.post(f"/v1/alerts/{alert}/acknowledge", json={"by": "the chairman"})
            silence = {"rule": "max_drawdown", "reason": "r", "created_by": "the chairman"}
            silenced = await http.post("/v1/silences", json={**silence, "expires_at": "2099-01-01T00:00:00Z"})
            await wait_until_async(lambda: _breaker_is(http, "ready"))

    assert silenced.status_code == 201, silenced.text
    halt, resume = (body for _, body in engine.commands)
    assert f"alert {alert}" in halt["reason"]
    assert (resume["actor"], resumed.json()["actor"], resumed.json()["note"]) == (
        "operator",
        "operator",
        "the chairman",
    )
    assert (acknowledged.json()["acknowledged_by"], silenced.json()["created_by"]) == ("operator", "operator")
    assert silenced.json()["note"] == "the chairman"
    audited = [(event["action"], event["principal"]) for event in logged if event["event"] == "audit"]
    assert audited == [
        (action, "operator") for action in ("rule_changed", "breaker_resume", "alert_acknowledged", "silence_added")
    ]
