"""Evaluates the rules: when the ledger rings, on a fallback interval, and after every reconnect."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime

import psycopg
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_alerts import breaker, notifications, status
from seatrial_alerts.documents import rule_of
from seatrial_alerts.evaluation import AlertChange, changes, is_outdated, matched
from seatrial_alerts.store import history, outbox, rules, states
from seatrial_core.alerting import AlertStatus, Transition
from seatrial_core.clients import AsyncServiceClient
from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.snapshots import Snapshot
from seatrial_core.errors import SeatrialError
from seatrial_service import logs
from seatrial_service.db.alerts import SilenceRow
from seatrial_service.db.session import Database
from seatrial_service.loops import StopSignal

NOTIFY_CHANNEL = "seatrial_metrics"
RECONNECT_SECONDS = 1.0


class EvaluationLoop:
    """Reads one snapshot for all rules and stores what changed.

    Args:
        database: Where alerts are kept.
        direct_url: A database address that carries LISTEN.
        metrics: The metrics service.
        clock: The wall clock.
        interval_seconds: Evaluate at least this often.
        channels: Where notifications go.
        ring: Called after notifications were queued.
    """

    def __init__(
        self,
        database: Database,
        direct_url: str,
        metrics: AsyncServiceClient,
        clock: Clock,
        interval_seconds: float,
        channels: tuple[str, ...],
        ring: Callable[[], None],
    ) -> None:
        self._database = database
        self._direct_url = direct_url
        self._metrics = metrics
        self._clock = clock
        self._interval = interval_seconds
        self._channels = channels
        self._ring = ring
        self._due = asyncio.Event()
        self.last_sequence: int | None = None
        self.problem: str | None = None
        self.evaluations = 0
        self.failures = 0
        self.standing = status.AlertsStatus()
        self.matched: dict[str, int] = {}

    async def run(self, stop: StopSignal) -> None:
        """Evaluate until asked to stop; a bad tick is logged and the next one comes."""
        while not stop.is_set():
            await stop.pause(self._interval, wake=self._due)
            self._due.clear()
            await self._round(stop)

    async def listen(self, stop: StopSignal) -> None:
        """Ring at every commit of the ledger; a lost connection is made anew, and rings too, for what was missed."""
        while not stop.is_set():
            try:
                connection = await psycopg.AsyncConnection.connect(self._direct_url, autocommit=True, connect_timeout=5)
                async with connection:
                    await connection.execute(f"LISTEN {NOTIFY_CHANNEL}")
                    self._due.set()
                    await self._hear(connection, stop)
            except (psycopg.Error, OSError) as error:
                logs.get().warning("doorbell_lost", reason=str(error).strip())
            await stop.pause(RECONNECT_SECONDS)

    async def _hear(self, connection: psycopg.AsyncConnection[tuple[object, ...]], stop: StopSignal) -> None:
        async def hear() -> None:
            async for _ in connection.notifies():
                self._due.set()

        hearing, ended = asyncio.create_task(hear()), asyncio.Event()
        hearing.add_done_callback(lambda _: ended.set())
        await stop.pause(None, wake=ended)
        hearing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await hearing

    async def _round(self, stop: StopSignal) -> None:
        if not stop.is_set():
            await self._tick()
            await self._look()

    async def _tick(self) -> None:
        try:
            await self.evaluate()
            self.problem = None
        except SeatrialError as error:
            self._failed(error.detail)
        except Exception as error:  # noqa: BLE001  # the loop that must survive a bad tick
            logs.get().error("evaluation_failed", exc_info=error)
            self._failed(f"{type(error).__name__}: {error}")

    async def _look(self) -> None:
        """See how things stand, also while the metrics service is away."""
        with contextlib.suppress(SeatrialError):
            async with self._database.transaction() as session:
                self.standing = await status.read_status(session)

    def _failed(self, problem: str) -> None:
        self.failures += 1
        if problem != self.problem:  # once, not at every tick of an outage
            logs.get().warning("evaluation_held", reason=problem)
        self.problem = problem

    async def evaluate(self) -> int:
        """Evaluate all rules on the newest snapshot and return how many alerts changed.

        The snapshot is read before the transaction begins, so that no lock is held across an HTTP call; an evaluator
        that was slow finds a newer snapshot evaluated already, and changes nothing.
        """
        snapshot = Snapshot.model_validate(await self._metrics.request("GET", "/v1/snapshot"))
        async with self._database.transaction() as session:
            last = await states.lock_evaluator(session)
            if is_outdated(snapshot, last.sequence, last.as_of):
                return 0
            last.sequence, last.as_of = snapshot.sequence, snapshot.as_of
            alert_changes = await self._store_changes(session, snapshot)
        self.evaluations += 1
        self.last_sequence = snapshot.sequence
        self._report(alert_changes)
        return len(alert_changes)

    async def _store_changes(self, session: AsyncSession, snapshot: Snapshot) -> list[AlertChange]:
        now = self._clock.now()
        current_rules = [rule_of(document) for document in await rules.everything(session)]
        alert_changes = changes(current_rules, await states.remembered(session), snapshot, now)
        self.matched = matched(current_rules, snapshot)
        silences = await rules.silences(session, now) if alert_changes else []
        for change in alert_changes:
            alert_id = await states.apply(session, change, now)
            if alert_id and change.decision.transition is not None:
                await self._tell(session, change, alert_id, rules.silenced(silences, change.key), now)
                if breaker.is_tripped(change):
                    await breaker.trip(session, change, alert_id, now)
        return alert_changes

    async def _tell(
        self, session: AsyncSession, change: AlertChange, alert_id: str, silence: SilenceRow | None, now: datetime
    ) -> None:
        """Queue a transition for every channel; under a silence it is kept back, with the reason in the history."""
        if silence is not None and change.decision.transition is Transition.RESOLVED:
            # Who was told that it fires must hear that it is over.
            silence = None if await outbox.was_told(session, alert_id, self._channels) else silence
        for channel in self._channels:
            body = notifications.of_change(change, alert_id, change.before.version + 1, channel)
            status = "waiting" if silence is None else "suppressed"
            await outbox.enqueue(session, body.model_dump(mode="json"), channel, status, now)
        if silence is not None:
            why = f"silenced by {silence.created_by} until {silence.expires_at.isoformat()}: {silence.reason}"
            await history.add_step(session, alert_id, "suppressed", now, why)

    def _report(self, found: list[AlertChange]) -> None:
        told = [change for change in found if change.decision.transition is not None]
        for change in told:
            logs.get().info(
                "alert_changed",
                rule=change.rule.name,
                scope=change.key.scope,
                transition=str(change.decision.transition),
                firing=change.decision.state.status is AlertStatus.FIRING,
                reason=change.decision.reason,
            )
        if told:
            self._ring()
