"""Listens for commits of the ledger in Postgres."""

import asyncio
from collections.abc import Callable

import psycopg

from seatrial_core.contracts.events import NOTIFY_CHANNEL
from seatrial_service.loops import BackgroundLoop, LoopSchedule, cancel

RECONNECT_SECONDS = 1.0
CONNECT_TIMEOUT_SECONDS = 5


class CommitListener:
    """Wakes the evaluation at every commit, and after every reconnect for commits that were missed.

    Args:
        direct_url: A database address that carries LISTEN, not that of a pooler.
        wake: Called for every notification and after every reconnect.
    """

    def __init__(self, direct_url: str, wake: Callable[[], None]) -> None:
        self._direct_url = direct_url
        self._wake = wake
        self._stopped = asyncio.Event()
        self.loop = BackgroundLoop(
            "commit_listener",
            self._listen,
            LoopSchedule(RECONNECT_SECONDS),
            expected=(psycopg.Error, OSError),
            on_stop=self._stopped.set,
        )

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._direct_url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS
        )
        async with connection:
            await connection.execute(f"LISTEN {NOTIFY_CHANNEL}")
            self._wake()
            receiving = asyncio.create_task(self._receive(connection))
            stopped = asyncio.create_task(self._wait_for_stop())
            try:
                await asyncio.wait([receiving, stopped], return_when=asyncio.FIRST_COMPLETED)
            finally:
                await cancel([task for task in (receiving, stopped) if not task.done()])
            if not receiving.cancelled():
                receiving.result()  # raises the error of a lost connection

    async def _receive(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        async for _ in connection.notifies():
            self._wake()

    async def _wait_for_stop(self) -> None:
        await self._stopped.wait()
