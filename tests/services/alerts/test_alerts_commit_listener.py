"""Commits of the ledger wake the evaluation, also those made while the connection was lost."""

import psycopg
from tests.services.alerts.running_alerts import figures, has_alert, listed, running
from tests.services.alerts.small_servers import Figures, serve_figures
from tests.support.waiting import wait_until_async

NEVER_SECONDS = 3_600.0
LISTENERS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN seatrial_metrics%'"
)


async def _notify(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("NOTIFY seatrial_metrics, '2'")


async def _listeners(database_url: str) -> list[int]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        return [int(row[0]) for row in await (await connection.execute(LISTENERS)).fetchall()]


async def test_a_commit_is_evaluated_at_once_not_at_the_interval(database_url: str) -> None:
    ledger = Figures(figures(0.0))
    with serve_figures(ledger) as metrics:
        async with running(database_url, metrics, update_interval_seconds=NEVER_SECONDS) as http:

            async def is_listening() -> bool:
                return bool(await _listeners(database_url))

            await wait_until_async(is_listening)
            before = await listed(http)
            ledger.snapshot = figures(0.2, 2)
            await _notify(database_url)
            await wait_until_async(lambda: has_alert(http))

    assert before == []


async def test_a_lost_connection_is_reopened_and_missed_commits_are_evaluated(database_url: str) -> None:
    ledger = Figures(figures(0.0))
    with serve_figures(ledger) as metrics:
        async with running(database_url, metrics, update_interval_seconds=NEVER_SECONDS) as http:
            closed: list[int] = []

            async def is_listening() -> bool:
                closed[:] = await _listeners(database_url)
                return bool(closed)

            await wait_until_async(is_listening)
            ledger.snapshot = figures(0.2, 2)
            async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
                await connection.execute("SELECT pg_terminate_backend(%s)", [closed[0]])
            await wait_until_async(lambda: has_alert(http))

            async def is_reconnected() -> bool:
                return bool(set(await _listeners(database_url)) - set(closed))

            await wait_until_async(is_reconnected)
