"""Delivers the outbox: each notification until it is acknowledged, in its alert's order, every attempt recorded."""

import asyncio
import contextlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import httpx

from seatrial_alerts.store import outbox
from seatrial_shared import logs
from seatrial_shared.contracts.clock import Clock
from seatrial_shared.db.alerts import OutboxRow
from seatrial_shared.db.session import Database
from seatrial_shared.errors import SeatrialError
from seatrial_shared.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

WEBHOOK = "webhook"
IDLE_SECONDS = 1.0
BATCH = 20
LEASE_SLACK_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 300.0
LONGEST_RETRY_AFTER_SECONDS = 3_600.0
LONGEST_DETAIL = 200


@dataclass(frozen=True)
class Channel:
    """A webhook: where it is, what signs it, how long and how often it is tried."""

    url: str
    secret: str
    timeout_seconds: float
    attempts: int


@dataclass(frozen=True)
class Attempt:
    """What came of one attempt; `retry_after_seconds` is what the receiver asked for."""

    outcome: str
    status_code: int | None
    detail: str
    seconds: float
    retry_after_seconds: float | None = None

    @property
    def is_delivered(self) -> bool:
        """Tell whether the receiver acknowledged."""
        return self.outcome == "delivered"


class Deliverer:
    """Sends what waits.

    Args:
        database: Where the outbox is.
        channel: The webhook.
        clock: The wall clock.
        random: Spreads the retries.
    """

    def __init__(self, database: Database, channel: Channel, clock: Clock, random: Random) -> None:
        self._database = database
        self._channel = channel
        self._clock = clock
        self._random = random
        self._due = asyncio.Event()
        self.outcomes: dict[str, int] = {}

    def ring(self) -> None:
        """Look at the outbox now."""
        self._due.set()

    async def run(self) -> None:
        """Deliver until cancelled; what was leased and not settled is sent again after its lease."""
        async with httpx.AsyncClient(timeout=self._channel.timeout_seconds, follow_redirects=False) as http:
            while True:
                if not await self._pass(http):
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._due.wait(), IDLE_SECONDS)
                    self._due.clear()

    async def _pass(self, http: httpx.AsyncClient) -> bool:
        try:
            return await self._round(http)
        except SeatrialError as error:
            logs.get().warning("delivery_held", reason=error.detail)
        except Exception as error:  # noqa: BLE001  # the loop that must survive a bad tick
            logs.get().error("delivery_failed", exc_info=error)
        return False

    async def _round(self, http: httpx.AsyncClient) -> bool:
        now = self._clock.now()
        lease = timedelta(seconds=self._channel.timeout_seconds + LEASE_SLACK_SECONDS)
        async with self._database.transaction() as session:
            rows = await outbox.claim(session, now, now + lease, BATCH)
        await asyncio.gather(*(self._deliver(http, row) for row in rows))
        return bool(rows)

    async def _deliver(self, http: httpx.AsyncClient, row: OutboxRow) -> None:
        began = self._clock.now()
        attempt = await self._post(http, row)
        self.outcomes[attempt.outcome] = self.outcomes.get(attempt.outcome, 0) + 1
        now = self._clock.now()
        is_dead = not attempt.is_delivered and row.attempts >= self._channel.attempts
        status = "delivered" if attempt.is_delivered else "dead" if is_dead else "waiting"
        if is_dead:
            logs.get().error("notification_dead", key=row.key, attempts=row.attempts, reason=attempt.detail)
        record: dict[str, object] = {
            "at": began,
            "attempt": row.attempts,
            "outcome": attempt.outcome,
            "status_code": attempt.status_code,
            "detail": attempt.detail,
            "seconds": attempt.seconds,
        }
        async with self._database.transaction() as session:
            await outbox.settle(session, row.id, status, self._next_at(row, attempt, now), record)

    def _next_at(self, row: OutboxRow, attempt: Attempt, now: datetime) -> datetime:
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (row.attempts - 1))
        pause *= 0.5 + self._random.random() / 2.0
        return now + timedelta(seconds=max(pause, attempt.retry_after_seconds or 0.0))

    async def _post(self, http: httpx.AsyncClient, row: OutboxRow) -> Attempt:
        body = json.dumps(row.body, separators=(",", ":"), sort_keys=True).encode()
        started = self._clock.monotonic()
        try:
            # The client's own limit counts each read anew; a receiver that drips must not outlive the lease.
            async with asyncio.timeout(self._channel.timeout_seconds):
                answer = await http.post(self._channel.url, content=body, headers=self._headers(row.key, body))
        except (httpx.TimeoutException, TimeoutError):
            return Attempt("timeout", None, "no answer in time", self._clock.monotonic() - started)
        except httpx.HTTPError as error:
            return Attempt("unreachable", None, type(error).__name__, self._clock.monotonic() - started)
        outcome = "delivered" if answer.is_success else "refused"
        return Attempt(
            outcome,
            answer.status_code,
            "" if answer.is_success else f"answered {answer.status_code}"[:LONGEST_DETAIL],
            self._clock.monotonic() - started,
            retry_after_seconds(answer.headers.get("Retry-After")),
        )

    def _headers(self, key: str, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, "User-Agent": "seatrial-alerts"}
        if self._channel.secret:
            timestamp = int(self._clock.now().timestamp())
            headers[TIMESTAMP_HEADER] = str(timestamp)
            headers[SIGNATURE_HEADER] = sign(self._channel.secret, body, timestamp)
        return headers


def retry_after_seconds(header: str | None) -> float | None:
    """Return what a Retry-After header asks for, bounded; dates are left to our own back-off."""
    if header is None or not header.strip().isdigit():
        return None
    return min(float(header.strip()), LONGEST_RETRY_AFTER_SECONDS)
