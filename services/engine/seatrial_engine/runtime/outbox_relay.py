"""Pushes the outbox to the metrics service, in order, until each batch is acknowledged."""

import asyncio

from seatrial_core.backoff import ExponentialBackoff
from seatrial_core.clients import AsyncServiceClient
from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.events import BATCH_HEADER, IN_THE_FUTURE, EventsAccepted, RejectedEvent
from seatrial_core.errors import BadRequest, BodyTooLarge, SeatrialError, ValidationFailed
from seatrial_engine.runtime.metrics import EngineMetrics
from seatrial_engine.store import outbox
from seatrial_engine.store.outbox import OutboxBatch
from seatrial_service import logs
from seatrial_service.db.session import Database
from seatrial_service.loops import BackgroundLoop, LoopSchedule

IDLE_SECONDS = 5.0
# Events of this interval share a batch: a batch of one event costs as much as one of a thousand.
LINGER_SECONDS = 0.1
BACKOFF = ExponentialBackoff(first_seconds=0.1, max_seconds=5.0)
# A batch that is refused with one of these would be refused again.
PERMANENT = (BadRequest, ValidationFailed, BodyTooLarge)
MAX_DETAIL = 500
# How long events of the future wait before they are sent again: not longer, because the clock may be corrected.
MIN_HOLD_SECONDS, MAX_HOLD_SECONDS = 1.0, 30.0


class OutboxRelay:
    """Push one batch after the other.

    The loop and the back-off are shared with the outbox of the alerts service; the rest is not, because this one has a
    single receiver and keeps a strict order by numbered batches, where that one leases single messages per channel.

    Args:
        database: Where the outbox is.
        client: Calls the metrics service.
        clock: The time of a rejection.
        metrics: Counts pushes.
    """

    def __init__(self, database: Database, client: AsyncServiceClient, clock: Clock, metrics: EngineMetrics) -> None:
        self._database = database
        self._client = client
        self._clock = clock
        self._metrics = metrics
        self._woken = asyncio.Event()
        self._held_until = 0.0  # on the monotonic clock
        self._max_rows = outbox.MAX_BATCH_ROWS
        self.seconds_ahead = 0.0
        self.producer = "engine"
        self.last_error: str | None = None

    def wake(self) -> None:
        """Push soon: the outbox has new events."""
        self._woken.set()

    def loop(self) -> BackgroundLoop:
        """Return the loop that pushes."""
        schedule = LoopSchedule(IDLE_SECONDS, wake=self._woken, min_pause_seconds=LINGER_SECONDS, backoff=BACKOFF)
        return BackgroundLoop("outbox_relay", self._push, schedule, expected=(SeatrialError,))

    async def _push(self) -> bool:
        try:
            return await self._push_batch()
        except SeatrialError as error:
            self.last_error = error.detail
            self._metrics.outbox_pushes.labels("retry").inc()
            raise

    async def _push_batch(self) -> bool:
        if self._clock.monotonic() < self._held_until:
            return False
        async with self._database.transaction() as session:
            batch = await outbox.take(session, self._max_rows)
        if batch is None:
            return False
        rejected = await self._send(batch)
        async with self._database.transaction() as session:
            await outbox.complete(session, batch, rejected, self._clock.now())
            held_events = await outbox.held(session)
        self.last_error = None
        self._metrics.outbox_pushes.labels(_outcome(rejected)).inc()
        self._hold([rejection for rejection in rejected if rejection.code == IN_THE_FUTURE], held_events)
        return True

    def _hold(self, ahead: list[RejectedEvent], held_events: int) -> None:
        # The order is kept: what is behind the held events waits with them. The batches after them start small,
        # because the receiver counts every event that it refuses.
        if not ahead:
            self._max_rows = min(self._max_rows * 2, outbox.MAX_BATCH_ROWS)
            if not held_events and self._max_rows == outbox.MAX_BATCH_ROWS:
                self.seconds_ahead = 0.0
            return
        wait = min(rejection.retry_after_seconds or MAX_HOLD_SECONDS for rejection in ahead)
        if not self.seconds_ahead:
            logs.get().error("clock_ahead", held=held_events, seconds_ahead=round(wait, 3), first=ahead[0].detail)
        self.seconds_ahead = wait
        self._max_rows = 1
        self._held_until = self._clock.monotonic() + min(max(wait, MIN_HOLD_SECONDS), MAX_HOLD_SECONDS)

    async def _send(self, batch: OutboxBatch) -> list[RejectedEvent]:
        headers = {BATCH_HEADER: f"{self.producer}/{batch.key}"}
        try:
            accepted = await self._client.fetch(
                "POST", "/v1/events", EventsAccepted, body=batch.events, headers=headers
            )
        except PERMANENT as error:
            logs.get().error("batch_rejected", batch=batch.number, error=error.detail)
            detail = error.detail[:MAX_DETAIL]
            return [RejectedEvent(index=index, code=error.code, detail=detail) for index in range(len(batch.events))]
        final = [rejection for rejection in accepted.rejected if rejection.code != IN_THE_FUTURE]
        if final:
            logs.get().error("events_rejected", batch=batch.number, first=final[0].detail)
        return accepted.rejected


def _outcome(rejected: list[RejectedEvent]) -> str:
    if not rejected:
        return "ok"
    return "held" if all(rejection.code == IN_THE_FUTURE for rejection in rejected) else "rejected"
