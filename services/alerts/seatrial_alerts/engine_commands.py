"""Sends halt and resume to the engine and confirms them with an order check, which never sends an order."""

import asyncio

from seatrial_alerts.channel import DeliveryAttempt
from seatrial_core.clients import AsyncServiceClient
from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import PeerUnreachable, SeatrialError
from seatrial_core.json_types import JsonMapping

ENGINE = "engine"
HALT = "halt"
RESUME = "resume"
ORDER_CHECK = {
    "symbol": "SEATRIAL-CHECK",
    "action": "buy",
    "price": "1",
    "quantity": "1",
    "strategy": "circuit-breaker",
}
EXPECTED_STATES = {HALT: "halted", RESUME: "active"}
MAX_REASON = 500


class EngineCommands:
    """The channel to the engine; a command is retried until it is confirmed, and commands keep their order.

    Args:
        engine: The engine's client; its token needs `engine:control` and `engine:trade`.
        timeout_seconds: Limit of one attempt, command and check together.
        clock: Measures the attempts.
    """

    name = ENGINE
    is_serial = True
    attempts: int | None = None
    max_pause_seconds = 10.0

    def __init__(self, engine: AsyncServiceClient, timeout_seconds: float, clock: Clock) -> None:
        self.timeout_seconds = timeout_seconds
        self._engine = engine
        self._clock = clock

    async def send(self, key: str, body: JsonMapping) -> DeliveryAttempt:
        """Send a command once and check that the engine follows it."""
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(self.timeout_seconds):
                problem = await self._command(body)
        except TimeoutError:
            return DeliveryAttempt("timeout", None, "no answer in time", self._clock.monotonic() - started)
        except PeerUnreachable as error:
            return DeliveryAttempt("unreachable", None, error.detail, self._clock.monotonic() - started)
        except SeatrialError as error:
            return DeliveryAttempt("refused", error.status, error.detail, self._clock.monotonic() - started)
        return DeliveryAttempt("refused" if problem else "delivered", 200, problem, self._clock.monotonic() - started)

    async def _command(self, body: JsonMapping) -> str:
        command = str(body["command"])
        request = {"actor": body["actor"], "reason": _reason(body)}
        await self._engine.request("POST", f"/v1/control/{command}", body=request)
        check = await self._engine.request("POST", "/v1/orders/check", body=ORDER_CHECK)
        if not isinstance(check, dict):
            return "the engine took the command but its order check has no result"
        if check.get("state") != EXPECTED_STATES[command]:
            return f"the engine took the command but its state is {check.get('state')!r}"
        if command == HALT and check.get("accepted") is not False:
            return "the engine's state is halted but it would accept an order"
        return ""


def _reason(body: JsonMapping) -> str:
    # The engine records this service as the actor, so the reason says which alert it was.
    alert = f" (alert {body['alert_id']})"
    return str(body["reason"])[: MAX_REASON - len(alert)] + alert
