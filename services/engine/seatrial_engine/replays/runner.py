"""Runs replays in the background: a chunk of steps, one transaction, the next chunk."""

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from seatrial_core.backoff import ExponentialBackoff
from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.orders import ReplayState
from seatrial_core.errors import Conflict, NotFound, SeatrialError, TooManyRequests, Unavailable
from seatrial_engine.domain.changes import NewReplay
from seatrial_engine.domain.commands import OpenReplay
from seatrial_engine.replays.replay import Replay, ReplayChunk
from seatrial_engine.replays.requests import ReadReplay, build_replay, read_replay
from seatrial_engine.runtime.engine_writer import EngineWriter
from seatrial_engine.runtime.outbox_relay import OutboxRelay
from seatrial_engine.store import changes, outbox
from seatrial_engine.store import replays as store
from seatrial_engine.store.replays import ReplayPart, ReplayProgress
from seatrial_service import logs
from seatrial_service.db.session import Database
from seatrial_service.loops import BackgroundJobs
from seatrial_service.parsing.pool import ParserPool
from seatrial_service.parsing.spool import stored_body

CHUNK_STEPS = 50
CHUNK_BARS = 400  # what is written at once holds up no request
BACKOFF = ExponentialBackoff(first_seconds=0.5, max_seconds=5.0)
MAX_ERROR = 500
MAX_RUNNING = 32


@dataclass(frozen=True)
class PreparedReplay:
    """A replay before its first step, how many steps a chunk takes, and the steps per second, None for no pause."""

    replay: Replay
    chunk_steps: int
    pace: float | None


class ReplayRunner:
    """Start, resume, stop and report replays.

    Args:
        database: Where replays are stored.
        writer: Opens replays; its trading state holds for replays too.
        relay: Woken after every chunk.
        engine: The engine's name, in every event.
        clock: The only source of time.
        parsers: Read the request of a replay that is resumed.
    """

    def __init__(
        self,
        database: Database,
        writer: EngineWriter,
        relay: OutboxRelay,
        engine: str,
        clock: Clock,
        parsers: ParserPool,
    ) -> None:
        self._parsers = parsers
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
            self._start(identity, None)

    async def close(self) -> None:
        """Stop working; the next start resumes from what is stored."""
        await self._jobs.close()

    async def create(self, request: ReadReplay) -> ReplayState:
        """Start a replay, or return the one that the same request started before.

        Raises:
            Conflict: The id belongs to another replay, or an account is in use.
            TooManyRequests: Too many replays are running.
            ValidationFailed: Something in the request is not allowed; the message names it.
        """
        async with self._database.transaction() as session:
            others = set(await store.running(session)) - {request.id}
        if len(others) >= MAX_RUNNING:
            raise TooManyRequests(f"{len(others)} replays are running, the most there may be; wait for one, or stop it")
        prepared = await asyncio.to_thread(self._prepare, request)
        replay = prepared.replay
        new = NewReplay(request.id, request.fingerprint, request.text, replay.steps_total, self._clock.now())
        await self._writer.submit(OpenReplay(new, replay.accounts(), replay.opening_events()))
        async with self._database.transaction() as session:
            stored = await store.get(session, request.id)
        if stored is None or stored.fingerprint != request.fingerprint:
            raise Conflict(f"{request.id!r} is another replay already; use another id")
        if stored.status == "running":
            self._start(request.id, prepared)
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
            parts = await store.parts(session, identity)
        if not accounts:
            raise NotFound(f"there is no replay {identity!r}")
        return await asyncio.to_thread(_document, accounts, parts)

    async def stop(self, identity: str) -> ReplayState:
        """Stop a replay after its current chunk; a finished one stays finished."""
        async with self._database.transaction() as session:
            await store.end(session, identity, "stopped")
        return await self.state(identity)

    def _start(self, identity: str, prepared: PreparedReplay | None) -> None:
        name = f"replay-{identity}"
        if name not in self._jobs:
            self._jobs.start(name, lambda: self._run(identity, prepared), lambda error: self._fail(identity, error))

    async def _run(self, identity: str, prepared: PreparedReplay | None) -> None:
        failures = 0
        while True:
            try:
                return await self._continue(identity, prepared)
            except Unavailable as error:
                prepared = None  # its last chunk may not be stored
                failures += 1
                logs.get().warning("replay_interrupted", replay=identity, error=error.detail)
                await asyncio.sleep(BACKOFF.pause_seconds(failures))

    async def _continue(self, identity: str, prepared: PreparedReplay | None) -> None:
        async with self._database.transaction() as session:
            if not await store.is_running(session, identity):
                return
            progress = await store.progress_text(session, identity)
        prepared = prepared or await self._read_again(identity)
        replay, pace = prepared.replay, prepared.pace
        if progress is not None:
            replay.restore(await asyncio.to_thread(json.loads, progress))
        is_running = True
        while is_running and not replay.is_finished:
            state = self._writer.state.control.state
            chunk = await asyncio.to_thread(replay.advance, prepared.chunk_steps, state)
            is_running = await self._commit(identity, replay, chunk)
            self._relay.wake()
            if pace is not None:
                await asyncio.sleep((chunk.steps_done - chunk.first_step) / pace)

    async def _read_again(self, identity: str) -> PreparedReplay:
        async with self._database.transaction() as session:
            text = await store.request_text(session, identity)
        async with stored_body(text) as body:
            del text
            read = await self._parsers.call(body, read_replay)
        return await asyncio.to_thread(self._prepare, read)

    def _prepare(self, read: ReadReplay) -> PreparedReplay:
        replay = build_replay(read, self._engine, self._clock)
        pace = read.bars_per_second
        steps = max(1, min(CHUNK_STEPS, CHUNK_BARS // len(read.accounts)))
        return PreparedReplay(replay, steps if pace is None else max(1, min(steps, int(pace))), pace)

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


def _document(accounts: Sequence[tuple[str, str]], parts: Mapping[str, tuple[str, str]]) -> bytes:
    # The stored texts are JSON already; reading and writing a million numbers would stop the event loop meanwhile.
    items = []
    for account, symbol in accounts:
        trades, equity = parts.get(account, ("", ""))
        names = f'"account":{json.dumps(account)},"symbol":{json.dumps(symbol)}'
        items.append(f'{{{names},"trades":[{trades}],"equity":[{equity}]}}')
    return f"[{','.join(items)}]".encode()
