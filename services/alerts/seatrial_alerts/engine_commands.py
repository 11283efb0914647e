"""Commands the engine to halt or to resume, and believes it only after a look that can never send an order."""

import asyncio
from collections.abc import Mapping
from typing import Any

from seatrial_alerts.channel import DeliveryAttempt
from seatrial_core.clients import AsyncServiceClient
from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import PeerUnreachable, SeatrialError

ENGINE = "engine"
HALT = "halt"
RESUME = "resume"
CHECKED = {"symbol": "SEATRIAL-CHECK", "action": "buy", "price": "1", "quantity": "1", "strategy": "circuit-breaker"}
WANTED = {HALT: "halted", RESUME: "active"}


class EngineCommands:
    """A channel whose receiver is the engine; commands are never given up and keep their order.

    Args:
        engine: The engine's client; its token needs `engine:control` and `engine:trade`.
        timeout_seconds: Limit of one attempt, command and look together.
        clock: Measures.
    """

    name = ENGINE
    is_serial = True
    attempts: int | None = None
    longest_pause_seconds = 10.0

    def __init__(self, engine: AsyncServiceClient, timeout_seconds: float, clock: Clock) -> None:
        self.timeout_seconds = timeout_seconds
        self._engine = engine
        self._clock = clock

    async def send(self, key: str, body: Mapping[str, Any]) -> DeliveryAttempt:  # Any: the command's JSON
        """Command once and look whether it is so."""
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
        except ValueError:
            return DeliveryAttempt("refused", 200, "the engine's answer is no JSON", self._clock.monotonic() - started)
        return DeliveryAttempt("refused" if problem else "delivered", 200, problem, self._clock.monotonic() - started)

    async def _command(self, body: Mapping[str, Any]) -> str:
        command = str(body["command"])
        words = {"actor": body["actor"], "reason": body["reason"]}
        await self._engine.request("POST", f"/v1/control/{command}", body=words)
        seen = await self._engine.request("POST", "/v1/orders/check", body=CHECKED)
        if not isinstance(seen, dict):
            return "the engine took the command but does not say whether it would accept an order"
        if seen.get("state") != WANTED[command]:
            return f"the engine took the command but says that it is {seen.get('state')!r}"
        if command == HALT and seen.get("accepted") is not False:
            return "the engine says that it is halted but would accept an order"
        return ""
