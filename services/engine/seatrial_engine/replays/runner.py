"""Runs replays in the background: a chunk of steps, one transaction, the next chunk."""

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import asdict

from pydantic import TypeAdapter

from seatrial_core.backoff import ExponentialBackoff
from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.orders import ReplayRequest, ReplayState, ReplayTrades
from seatrial_core.errors import Conflict, NotFound, SeatrialError, TooManyRequests, Unavailable
from seatrial_engine.domain.changes import NewReplay
from seatrial_engine.domain.commands import OpenReplay
from seatrial_engine.replays.replay import Replay, ReplayChunk
from seatrial_engine.replays.requests import build_replay
from seatrial_engine.runtime.engine_writer import EngineWriter
from seatrial_engine.runtime.outbox_relay import OutboxRelay
from seatrial_engine.store import changes, outbox
from seatrial_engine.store import replays as store
from seatrial_engine.store.replays import ReplayPart, ReplayProgress
from seatrial_service import logs
from seatrial_service.db.engine import ReplayPartRow
from seatrial_service.db.session import Database
from seatrial_service.loops import BackgroundJobs

CHUNK_STEPS = 50
BACKOFF = ExponentialBackoff(first_seconds=0.5, max_seconds=5.0)
MAX_ERROR = 500
MAX_RUNNING = 32
TRADES = TypeAdapter(list[ReplayTrades])


class ReplayRunner:
    """Start, resume, stop and report replays.

    Args:
        database: Where replays are stored.
        writer: Opens replays; its trading state holds for replays too.
        relay: Woken after every chunk.
        engine: The engine's name, in every event.
        clock: The only source of time.
    """

    def __init__(self, database: Database, writer: EngineWriter, relay: OutboxRelay, engine: str, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._relay = relay
        self._engine = engine
        self._clock = clock
        self._jobs = BackgroundJobs()

    async def resume(self) -> None:
        """Continue the replays that were running when the engine ended."""
        async with self._database.transaction() as session:
            unfinished = await store.running(session)
        for identity in unfinished:
            logs.get().info("replay_resumed", replay=identity)
            self._start(identity)

    async def close(self) -> None:
        """Stop working; the next start resumes from what is stored."""
        await self._jobs.close()

    async def create(self, request: ReplayRequest) -> ReplayState:
        """Start a replay, or return the one that the same request started before.

        Raises:
            Conflict: The id belongs to another replay, or an account is in use.
            TooManyRequests: Too many replays are running.
            ValidationFailed: Something in the request is not allowed; the message names it.
        """
        text = request.model_dump_json()
        fingerprint = hashlib.sha256(text.encode()).hexdigest()
        async with self._database.transaction() as session:
            others = set(await store.running(session)) - {request.id}
        if len(others) >= MAX_RUNNING:
            raise TooManyRequests(f"{len(others)} replays are running, the most there may be; wait for one, or stop it")
        replay = await asyncio.to_thread(build_replay, request, self._engine, self._clock)
        new = NewReplay(request.id, fingerprint, text, replay.steps_total, self._clock.now())
        await self._writer.submit(OpenReplay(new, replay.accounts(), replay.opening_events()))
        async with self._database.transaction() as session:
            stored = await store.get(session, request.id)
        if stored is None or stored.fingerprint != fingerprint:
            raise Conflict(f"{request.id!r} is another replay already; use another id")
        if stored.status == "running":
            self._start(request.id)
        return await self.state(request.id)

    async def state(self, identity: str) -> ReplayState:
        """Return the progress of a replay, or raise NotFound."""
        async with self._database.transaction() as session:
            replay = await store.get(session, identity)
            pending = await outbox.pending(session)
        if replay is None:
            raise NotFound(f"there is no replay {identity!r}")
        return ReplayState.model_validate({**asdict(replay), "events_pending": pending})

    async def trades(self, identity: str) -> bytes:
        """Return a JSON list of `ReplayTrades`, one per account, of what they did so far, or raise NotFound."""
        async with self._database.transaction() as session:
            accounts = await store.accounts(session, identity)
            rows = await store.parts(session, identity)
            session.expunge_all()
        if not accounts:
            raise NotFound(f"there is no replay {identity!r}")
        return await asyncio.to_thread(_document, accounts, rows)

    async def stop(self, identity: str) -> ReplayState:
        """Stop a replay after its current chunk; a finished one stays finished."""
        async with self._database.transaction() as session:
            await store.end(session, identity, "stopped")
        return await self.state(identity)

    def _start(self, identity: str) -> None:
        name = f"replay-{identity}"
        if name not in self._jobs:
            self._jobs.start(name, lambda: self._run(identity), lambda error: self._fail(identity, error))

    async def _run(self, identity: str) -> None:
        failures = 0
        while True:
            try:
                return await self._continue(identity)
            except Unavailable as error:
                failures += 1
                logs.get().warning("replay_interrupted", replay=identity, error=error.detail)
                await asyncio.sleep(BACKOFF.pause_seconds(failures))

    async def _continue(self, identity: str) -> None:
        async with self._database.transaction() as session:
            stored = await store.get_running(session, identity)
        if stored is None:
            return
        request = ReplayRequest.model_validate_json(stored.request)
        replay = await asyncio.to_thread(build_replay, request, self._engine, self._clock)
        if stored.progress is not None:
            replay.restore(stored.progress)
        pace = request.bars_per_second
        steps = CHUNK_STEPS if pace is None else max(1, min(CHUNK_STEPS, int(pace)))
        is_running = True
        while is_running and not replay.is_finished:
            chunk = await asyncio.to_thread(replay.advance, steps, self._writer.state.control.state)
            is_running = await self._commit(identity, replay, chunk)
            self._relay.wake()
            if pace is not None:
                await asyncio.sleep((chunk.steps_done - chunk.first_step) / pace)

    async def _commit(self, identity: str, replay: Replay, chunk: ReplayChunk) -> bool:
        parts = [
            ReplayPart(name, [asdict(trade) for trade in account.trades], account.equity)
            for name, account in chunk.accounts.items()
            if account.trades or account.equity
        ]
        progress = ReplayProgress(
            chunk.first_step, chunk.steps_done, chunk.trades, replay.is_finished, replay.dump(), parts
        )
        async with self._database.transaction() as session:
            await self._writer.guard(session)
            is_stored = await store.advance(session, identity, progress)
            if is_stored:
                await changes.write(session, chunk.changes)
        return is_stored

    async def _fail(self, identity: str, error: Exception) -> None:
        reason = error.detail if isinstance(error, SeatrialError) else f"{type(error).__name__}: {error}"
        with contextlib.suppress(SeatrialError):
            async with self._database.transaction() as session:
                await store.end(session, identity, "failed", reason[:MAX_ERROR])


def _document(accounts: list[tuple[str, str]], rows: Sequence[ReplayPartRow]) -> bytes:
    parts, empty = store.joined(rows), ReplayPart("", (), ())
    trades = []
    for account, symbol in accounts:
        part = parts.get(account, empty)
        trades.append(ReplayTrades(account=account, symbol=symbol, trades=list(part.trades), equity=list(part.equity)))
    return TRADES.dump_json(trades)
