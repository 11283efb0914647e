"""Evaluators take turns, none evaluates an older snapshot after a newer one, and a deleted rule stays resolved."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, text
from tests.services.alerts.running_alerts import figures, running
from tests.support.http_stub import RecordedRequest, StubResponse, http_stub, json_response
from tests.support.waiting import wait_until_async

from seatrial_alerts.documents import document_of
from seatrial_alerts.evaluation_loop import EvaluationLoop
from seatrial_alerts.store import rules, states
from seatrial_core.alerting import default_rules
from seatrial_core.clients import AsyncServiceClient
from seatrial_core.clock import SystemClock
from seatrial_service.db.alerts import AlertRow, NotificationRow
from seatrial_service.db.session import Database

BREACH, RECOVERED = 0.2, 0.0
OPEN_TRANSACTIONS = text(
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
)
LOCK_WAITS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@dataclass
class MetricsStub:
    """A metrics service that answers with the snapshot of the moment of the request, at once or when released."""

    url: str = ""
    snapshot: dict[str, Any] = field(default_factory=dict)  # Any: JSON
    is_held: bool = False
    has_request: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def answer(self, _: RecordedRequest) -> StubResponse:
        response = json_response(self.snapshot)
        if self.is_held:
            self.is_held = False
            self.has_request.set()
            self.release.wait(30)
        return response


@contextmanager
def metrics_stub() -> Iterator[MetricsStub]:
    metrics = MetricsStub()
    with http_stub(metrics.answer) as stub:
        metrics.url = stub.url
        yield metrics


@asynccontextmanager
async def evaluator(database: Database, metrics: MetricsStub) -> AsyncIterator[EvaluationLoop]:
    client = AsyncServiceClient("metrics", url=metrics.url, timeout_seconds=60)
    try:
        yield EvaluationLoop(database, client, SystemClock(), 3_600.0, ("webhook",), lambda: None)
    finally:
        await client.close()


@asynccontextmanager
async def database_with_rules(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    try:
        async with database.transaction() as session:
            for rule in default_rules():
                await rules.put_rule(session, document_of(rule), SystemClock().now())
        yield database
    finally:
        await database.close()


async def alerts(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list((await session.execute(select(AlertRow.status))).scalars())


async def notifications(database: Database) -> list[str]:
    async with database.transaction() as session:
        rows = (await session.execute(select(NotificationRow).order_by(NotificationRow.id))).scalars()
        return [row.body["state"] for row in rows]


async def count(database: Database, query: Any) -> int:  # Any: a text clause
    async with database.transaction() as session:
        return int((await session.execute(query)).scalar_one())


async def test_a_late_older_snapshot_changes_nothing(database_url: str) -> None:
    with metrics_stub() as metrics:
        async with (
            database_with_rules(database_url) as database,
            evaluator(database, metrics) as slow,
            evaluator(database, metrics) as fast,
        ):
            metrics.snapshot, metrics.is_held = figures(BREACH, 1), True
            late = asyncio.create_task(slow.evaluate())
            await wait_until_async(metrics.has_request.is_set)
            metrics.snapshot = figures(RECOVERED, 2)
            await fast.evaluate()
            metrics.release.set()

            assert await late == 0
            assert (slow.last_sequence, fast.last_sequence) == (None, 2)
            assert await alerts(database) == []
            assert await notifications(database) == []


async def test_no_transaction_is_open_while_the_snapshot_is_read(database_url: str) -> None:
    with metrics_stub() as metrics:
        async with database_with_rules(database_url) as database, evaluator(database, metrics) as loop:
            metrics.snapshot, metrics.is_held = figures(BREACH, 1), True
            evaluation = asyncio.create_task(loop.evaluate())
            await wait_until_async(metrics.has_request.is_set)

            assert await count(database, OPEN_TRANSACTIONS) == 0

            metrics.release.set()
            assert await evaluation == 1


async def test_evaluators_at_the_same_time_notify_once_per_transition(database_url: str) -> None:
    with metrics_stub() as metrics:
        async with (
            database_with_rules(database_url) as database,
            evaluator(database, metrics) as first,
            evaluator(database, metrics) as second,
        ):
            for sequence, drawdown in enumerate([BREACH, RECOVERED, BREACH, RECOVERED], start=1):
                metrics.snapshot = figures(drawdown, sequence)
                await asyncio.gather(*(loop.evaluate() for loop in (first, second, first, second)))

            assert await notifications(database) == ["firing", "resolved", "firing", "resolved"]
            assert await alerts(database) == ["resolved", "resolved"]


async def test_a_ledger_restored_from_a_backup_is_evaluated(database_url: str) -> None:
    with metrics_stub() as metrics:
        async with database_with_rules(database_url) as database, evaluator(database, metrics) as loop:
            metrics.snapshot = figures(RECOVERED, 1_000)
            await loop.evaluate()
            metrics.snapshot = {**figures(BREACH, 10), "as_of": "2026-01-05T01:00:00Z"}
            await loop.evaluate()

            assert await alerts(database) == ["firing"]


async def test_a_clock_set_back_does_not_stop_the_evaluation(database_url: str) -> None:
    """Without new events the sequence stays, for example because the engine is dead."""
    with metrics_stub() as metrics:
        async with database_with_rules(database_url) as database, evaluator(database, metrics) as loop:
            metrics.snapshot = {**figures(RECOVERED, 7), "as_of": "2026-01-05T01:00:00Z"}
            await loop.evaluate()
            metrics.snapshot = {**figures(BREACH, 7), "as_of": "2026-01-05T00:00:00Z"}
            await loop.evaluate()

            assert await alerts(database) == ["firing"]


async def test_deleting_a_rule_waits_for_an_evaluation_in_progress(database_url: str) -> None:
    """An evaluation that has read the rule, but not yet its state, would fire the deleted rule once more."""
    with metrics_stub() as metrics:
        metrics.snapshot = figures(BREACH, 1)
        async with (
            database_with_rules(database_url) as database,
            running(database_url, metrics.url, update_interval_seconds=3_600.0) as http,
        ):
            await wait_until_async(lambda: alerts(database))
            async with database.transaction() as evaluation:
                await states.lock_evaluator(evaluation)
                deletion = asyncio.create_task(http.delete("/v1/rules/max_drawdown"))
                await wait_until_async(lambda: count(database, LOCK_WAITS))
                stored = await states.read_states(evaluation)
            response = await deletion

            assert [key.rule for key, state in stored.items() if state.alert_id] == ["max_drawdown"]
            assert response.status_code == 204
            assert await alerts(database) == ["resolved"]
