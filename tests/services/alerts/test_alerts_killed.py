"""A process killed with SIGKILL during a delivery: the next one delivers with the same key."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.services.alerts.running_alerts import figures, process, running
from tests.services.alerts.small_servers import HANG, Figures, Inbox, serve_figures, serve_inbox
from tests.support.ports import free_port
from tests.support.waiting import wait_until_async

from seatrial_alerts.engine_commands import ORDER_CHECK

pytestmark = pytest.mark.system
CLOSED_PORT = "http://127.0.0.1:9"


def _environment(database_url: str, metrics: str, hook: str) -> dict[str, str]:
    return {
        "SEATRIAL_ALERTS_PORT": "0",
        "SEATRIAL_ALERTS_DELIVERY_TIMEOUT_SECONDS": "1",
        "SEATRIAL_DATABASE_URL": database_url,
        "SEATRIAL_METRICS_URL": metrics,
        "METRICS_UPDATE_INTERVAL": "0.1",
        "ALERT_WEBHOOK_URL": hook,
    }


async def test_a_kill_between_claim_and_acknowledgement_loses_nothing(database_url: str) -> None:
    inbox, ledger = Inbox(answers=[HANG, 200]), Figures(figures(0.2))
    with serve_figures(ledger) as metrics, serve_inbox(inbox) as hook:
        with process("seatrial_alerts", _environment(database_url, metrics, hook)) as first:
            await wait_until_async(lambda: len(inbox.received) == 1, describe=lambda: inbox.received)
            first.kill()
            first.wait()
        ledger.snapshot = figures(0.0, 2)
        with process("seatrial_alerts", _environment(database_url, metrics, hook)) as second:
            await wait_until_async(lambda: len(inbox.accepted) == 2, describe=lambda: inbox.received)
            second.terminate()
            code = second.wait(timeout=15)

    assert [body["state"] for body in inbox.accepted] == ["firing", "resolved"]
    assert inbox.received[0]["key"] == inbox.accepted[0]["key"]
    assert code == 0


async def test_a_halted_engine_stays_halted_after_a_kill_until_resumed(
    database_url: str, role_url: Callable[[str], str]
) -> None:
    port, ledger = free_port(), Figures(figures(0.0))
    engine = {
        "SEATRIAL_ENGINE_PORT": str(port),
        "SEATRIAL_DATABASE_URL": role_url("engine"),
        "SEATRIAL_METRICS_URL": CLOSED_PORT,
    }
    url = f"http://127.0.0.1:{port}"
    with serve_figures(ledger) as metrics:
        async with running(database_url, metrics, engine_url=url) as http:

            async def breaker_is(state: str) -> bool:
                return bool((await http.get("/v1/breaker")).json()["state"] == state)

            rule = (await http.get("/v1/rules/max_drawdown")).json()
            await http.put("/v1/rules/max_drawdown", json={**rule, "action": "halt"})
            with process("seatrial_engine", engine) as first:
                ledger.snapshot = figures(0.2, 2)
                await wait_until_async(lambda: breaker_is("halted"))
                first.kill()
                first.wait()
            with process("seatrial_engine", engine):
                await wait_until_async(lambda: _answers(url))
                kept = await _checked(url)
                await http.post("/v1/breaker/resume", json={"by": "ada", "reason": "cause understood"})
                await wait_until_async(lambda: breaker_is("ready"))
                after = await _checked(url)

    assert (kept["accepted"], kept["state"]) == (False, "halted")
    assert after["state"] == "active"


async def _answers(url: str) -> bool:
    async with httpx.AsyncClient() as http:
        try:
            return (await http.get(f"{url}/health/ready")).is_success
        except httpx.HTTPError:
            return False


async def _checked(url: str) -> dict[str, Any]:
    async with httpx.AsyncClient() as http:
        answer: dict[str, Any] = (await http.post(f"{url}/v1/orders/check", json=ORDER_CHECK)).json()
        return answer
