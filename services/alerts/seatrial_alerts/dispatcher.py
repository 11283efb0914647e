"""Delivers the outbox of one channel: each message in order until it is acknowledged; every attempt is stored."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from random import Random

from seatrial_alerts.channel import Channel, DeliveryAttempt
from seatrial_alerts.store import outbox
from seatrial_core.backoff import ExponentialBackoff
from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import SeatrialError
from seatrial_core.redaction import redact
from seatrial_service import logs
from seatrial_service.db.alerts import NotificationRow
from seatrial_service.db.session import AsyncSession, Database
from seatrial_service.loops import BackgroundLoop, LoopSchedule

IDLE_SECONDS = 1.0
BATCH = 20
LEASE_SLACK_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.5
MAX_DETAIL_LENGTH = 300

AfterAttempt = Callable[[AsyncSession, NotificationRow, DeliveryAttempt, datetime], Awaitable[None]]


class Dispatcher:
    """Sends the waiting messages of one channel.

    Args:
        database: Where the outbox is.
        channel: Where the messages go.
        clock: The wall clock.
        random: Adds jitter to the pauses between attempts.
        after: Called in the transaction that records an attempt.
    """

    def __init__(
        self, database: Database, channel: Channel, clock: Clock, random: Random, after: AfterAttempt | None = None
    ) -> None:
        self._database = database
        self._channel = channel
        self._clock = clock
        self._random = random
        self._after = after
        self._backoff = ExponentialBackoff(FIRST_PAUSE_SECONDS, channel.max_pause_seconds)
        self._due = asyncio.Event()
        self.loop = BackgroundLoop(
            f"{channel.name}_dispatcher",
            self._dispatch,
            LoopSchedule(IDLE_SECONDS, self._due),
            expected=(SeatrialError,),
        )
        self.outcomes: dict[str, int] = {}
        self.dead = 0

    def wake(self) -> None:
        """Read the outbox now instead of at the next interval."""
        self._due.set()

    async def _dispatch(self) -> bool:
        # A leased message without a recorded attempt (a killed process) is claimed again after its lease.
        now = self._clock.now()
        until = now + timedelta(seconds=self._channel.timeout_seconds + LEASE_SLACK_SECONDS)
        claim = outbox.OutboxClaim(self._channel.name, is_serial=self._channel.is_serial, limit=BATCH)
        async with self._database.transaction() as session:
            rows = await outbox.claim(session, claim, now, until)
        await asyncio.gather(*(self._deliver(row) for row in rows))
        return bool(rows)

    async def _deliver(self, row: NotificationRow) -> None:
        started_at = self._clock.now()
        attempt = await self._channel.send(row.key, row.body)
        self.outcomes[attempt.outcome] = self.outcomes.get(attempt.outcome, 0) + 1
        now = self._clock.now()
        limit = self._channel.attempts
        is_dead = not attempt.is_delivered and limit is not None and row.attempts >= limit
        status = "delivered" if attempt.is_delivered else "dead" if is_dead else "waiting"
        if is_dead:
            self.dead += 1
            logs.get().error("notification_dead", key=row.key, attempts=row.attempts, reason=attempt.detail)
        record: dict[str, object] = {
            "at": started_at,
            "attempt": row.attempts,
            "outcome": attempt.outcome,
            "status_code": attempt.status_code,
            "detail": redact(attempt.detail)[:MAX_DETAIL_LENGTH],
            "seconds": attempt.seconds,
        }
        async with self._database.transaction() as session:
            await outbox.record_attempt(session, row.id, status, self._next_at(row, attempt, now), record)
            if self._after is not None:
                await self._after(session, row, attempt, now)

    def _next_at(self, row: NotificationRow, attempt: DeliveryAttempt, now: datetime) -> datetime:
        pause = self._backoff.pause_seconds(row.attempts, self._random)
        return now + timedelta(seconds=max(pause, attempt.retry_after_seconds or 0.0))
