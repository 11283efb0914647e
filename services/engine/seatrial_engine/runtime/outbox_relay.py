"""Pushes the outbox to the metrics service, in order, until each parcel is acknowledged."""

import asyncio
import contextlib
from collections.abc import Callable

from seatrial_core.clients import AsyncServiceClient
from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.events import BATCH_HEADER, EventsAccepted, RejectedEvent
from seatrial_core.errors import BadRequest, BodyTooLarge, SeatrialError, ValidationFailed
from seatrial_engine.store import outbox as rows
from seatrial_engine.store.outbox import OutboxBatch
from seatrial_service import logs
from seatrial_service.db.session import Database

IDLE_SECONDS = 1.0
# What comes within this time goes into one parcel: a parcel costs the same for one event as for a thousand.
LINGER_SECONDS = 0.1
MIN_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 5.0
# Sent again, these would be refused again.
HOPELESS = (BadRequest, ValidationFailed, BodyTooLarge)


class OutboxRelay:
    """Sends one parcel after the other.

    Args:
        database: Where the outbox is.
        client: Calls the metrics service.
        clock: Says when something was refused.
        counted: Called with the outcome of every attempt, and with how many events wait after it.
    """

    def __init__(
        self, database: Database, client: AsyncServiceClient, clock: Clock, counted: Callable[[str, int], None]
    ) -> None:
        self._database = database
        self._client = client
        self._clock = clock
        self._counted = counted
        self._bell = asyncio.Event()
        self.producer = "engine"
        self.last_error: str | None = None

    def ring(self) -> None:
        """Tell that something was put into the outbox."""
        self._bell.set()

    async def run(self) -> None:
        """Push until cancelled."""
        pause = MIN_PAUSE_SECONDS
        while True:
            try:
                if await self.push():
                    pause = MIN_PAUSE_SECONDS
                else:
                    await self._wait()
                await asyncio.sleep(LINGER_SECONDS)
            except SeatrialError as error:
                self.last_error = error.detail
                self._counted("retry", -1)
                logs.get().warning("events_not_pushed", error=error.detail, again_in_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, MAX_PAUSE_SECONDS)
            except Exception as error:  # noqa: BLE001  # the loop that must survive a bad parcel
                logs.get().error("outbox_failed", exc_info=error)
                await asyncio.sleep(MAX_PAUSE_SECONDS)

    async def push(self) -> bool:
        """Send the next parcel; return whether there was one."""
        self._bell.clear()
        async with self._database.transaction() as session:
            parcel = await rows.take(session)
        if parcel is None:
            return False
        refused = await self._send(parcel)
        async with self._database.transaction() as session:
            await rows.done(session, parcel, refused, self._clock.now())
            waiting = await rows.pending(session)
        self.last_error = None
        self._counted("rejected" if refused else "ok", waiting)
        return True

    async def _send(self, parcel: OutboxBatch) -> list[RejectedEvent]:
        headers = {BATCH_HEADER: f"{self.producer}/{parcel.number}"}
        try:
            answer = await self._client.request("POST", "/v1/events", body=parcel.events, headers=headers)
        except HOPELESS as error:
            logs.get().error("parcel_refused", batch=parcel.number, error=error.detail)
            return [
                RejectedEvent(index=index, code=error.code, detail=error.detail[:500])
                for index in range(len(parcel.events))
            ]
        accepted = EventsAccepted.model_validate(answer)
        if accepted.rejected:
            logs.get().error("events_refused", batch=parcel.number, first=accepted.rejected[0].detail)
        return accepted.rejected

    async def _wait(self) -> None:
        # Not asyncio.wait_for: until Python 3.12 it loses a cancellation that comes together with the bell.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(IDLE_SECONDS):
                await self._bell.wait()
