"""Evaluates the rules when woken by a commit of the ledger, and at least once per interval."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from seatrial_alerts import breaker, notifications
from seatrial_alerts.documents import rule_of
from seatrial_alerts.evaluation import AlertChange, count_matches, evaluate_snapshot, is_outdated
from seatrial_alerts.store import history, outbox, rules, states
from seatrial_core.alerting import AlertStatus, Transition
from seatrial_core.clients import AsyncServiceClient
from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.snapshots import Snapshot
from seatrial_core.errors import SeatrialError
from seatrial_core.timestamps import format_rfc3339
from seatrial_service import logs
from seatrial_service.db.alerts import SilenceRow
from seatrial_service.db.session import AsyncSession, Database
from seatrial_service.loops import BackgroundLoop, LoopSchedule


class EvaluationLoop:
    """Reads one snapshot for all rules and stores what it changes.

    Args:
        database: Where alerts are stored.
        metrics: The metrics service.
        clock: The wall clock.
        interval_seconds: The longest time between two evaluations, > 0.
        channels: The channels of notifications.
        wake: Called after notifications or commands were queued.
    """

    def __init__(
        self,
        database: Database,
        metrics: AsyncServiceClient,
        clock: Clock,
        interval_seconds: float,
        channels: tuple[str, ...],
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._clock = clock
        self._channels = channels
        self._wake = wake
        self._due = asyncio.Event()
        self.loop = BackgroundLoop(
            "evaluation", self._tick, LoopSchedule(interval_seconds, self._due), expected=(SeatrialError,)
        )
        self.last_sequence: int | None = None
        self.evaluations = 0
        self.last_evaluated_at: datetime | None = None
        self.matches: dict[str, int] = {}

    @property
    def problem(self) -> str | None:
        """Return why the last evaluation failed, or None if it succeeded."""
        return self.loop.problem

    def wake(self) -> None:
        """Evaluate now instead of at the next interval."""
        self._due.set()

    async def _tick(self) -> None:
        await self.evaluate()

    async def evaluate(self) -> int:
        """Evaluate all rules on the newest snapshot and return how many alerts changed.

        The snapshot is read before the transaction begins, so that no lock is held across an HTTP call. An evaluator
        whose snapshot is older than the last evaluated one changes nothing.
        """
        snapshot = await self._metrics.fetch("GET", "/v1/snapshot", Snapshot)
        async with self._database.transaction() as session:
            last = await states.lock_evaluator(session)
            if is_outdated(snapshot, last.sequence, last.as_of):
                return 0
            last.sequence, last.as_of = snapshot.sequence, snapshot.as_of
            changes = await self._store_changes(session, snapshot)
        self.evaluations += 1
        self.last_evaluated_at = self._clock.now()
        self.last_sequence = snapshot.sequence
        self._report(changes)
        return len(changes)

    async def _store_changes(self, session: AsyncSession, snapshot: Snapshot) -> list[AlertChange]:
        now = self._clock.now()
        current_rules = [rule_of(document) for document in await rules.list_rules(session)]
        changes = evaluate_snapshot(current_rules, await states.read_states(session), snapshot, now)
        self.matches = count_matches(current_rules, snapshot)
        silences = await rules.active_silences(session, now) if changes else []
        for change in changes:
            alert_id = await states.apply(session, change, now)
            if alert_id and change.decision.transition is not None:
                await self._queue(session, change, alert_id, rules.matching_silence(silences, change.key), now)
                if breaker.is_tripped(change):
                    await breaker.trip(session, change, alert_id, now)
        return changes

    async def _queue(
        self, session: AsyncSession, change: AlertChange, alert_id: str, silence: SilenceRow | None, now: datetime
    ) -> None:
        if silence is not None and change.decision.transition is Transition.RESOLVED:
            # A receiver of the notification that it fires also receives that it is resolved.
            silence = None if await outbox.was_notified(session, alert_id, self._channels) else silence
        for channel in self._channels:
            notification = notifications.of_change(change, alert_id, channel)
            row_status = "waiting" if silence is None else "suppressed"
            await outbox.enqueue(session, notification.model_dump(mode="json"), channel, row_status, now)
        if silence is not None:
            reason = f"silenced by {silence.created_by} until {format_rfc3339(silence.expires_at)}: {silence.reason}"
            await history.add_step(session, alert_id, "suppressed", now, reason)

    def _report(self, changes: list[AlertChange]) -> None:
        transitions = [change for change in changes if change.decision.transition is not None]
        for change in transitions:
            logs.get().info(
                "alert_changed",
                rule=change.rule.name,
                scope=change.key.scope,
                transition=str(change.decision.transition),
                firing=change.decision.state.status is AlertStatus.FIRING,
                reason=change.decision.reason,
            )
        if transitions:
            self._wake()
