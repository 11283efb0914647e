"""Runs replays beside the service: a chunk of steps, one transaction, the next chunk."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Iterable

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.orders import ReplayRequest, ReplayState, ReplayTrades
from seatrial_core.errors import Conflict, NotFound, SeatrialError, Unavailable
from seatrial_engine.replays.replay import Replay, ReplayChunk, require_free, rows
from seatrial_engine.runtime.group_commit import EngineWriter
from seatrial_engine.store import commands, outbox
from seatrial_engine.store import replays as store
from seatrial_engine.store.replays import ReplayPart, ReplayProgress, StoredReplay
from seatrial_service import logs
from seatrial_service.db.session import Database

CHUNK_STEPS = 50
PAUSE_SECONDS = 0.5
STOP_SECONDS = 0.5


class ReplayRunner:
    """Starts, goes on with, stops and tells of replays.

    Args:
        database: Where replays are kept.
        trading: The engine; its trading state holds for replays too.
        engine: The engine's name.
        clock: The only source of time.
        committed: Called after every chunk.
    """

    def __init__(
        self, database: Database, trading: EngineWriter, engine: str, clock: Clock, committed: Callable[[], None]
    ) -> None:
        self._database = database
        self._trading = trading
        self._engine = engine
        self._clock = clock
        self._committed = committed
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.owners: dict[str, str] = {}

    async def resume(self) -> None:
        """Go on with the replays that were running when the engine ended."""
        async with self._database.transaction() as session:
            self.owners = await store.accounts(session)
            unfinished = await store.running(session)
        for identity in unfinished:
            logs.get().info("replay_resumed", replay=identity)
            self._start(identity)

    async def close(self) -> None:
        """Stop working; what is stored goes on at the next start."""
        await stop(self._tasks.values())

    async def create(self, request: ReplayRequest) -> ReplayState:
        """Begin a replay, or return the one that the same request began before.

        Raises:
            Conflict: The id belongs to another replay, or an account is in use.
            ValidationFailed: Something in the request is not allowed.
        """
        text = request.model_dump_json()
        fingerprint = hashlib.sha256(text.encode()).hexdigest()
        course = await asyncio.to_thread(Replay, request, self._engine, self._clock)
        fresh = StoredReplay(request.id, fingerprint, "running", 0, len(course.steps), 0, None)
        async with self._trading.writing:
            await self._keep(request, fresh, course, text)
        if request.id not in self._tasks:
            self._start(request.id)
        self._committed()
        return await self.state(request.id)

    async def state(self, identity: str) -> ReplayState:
        """Return how far a replay is."""
        async with self._database.transaction() as session:
            found = await store.get(session, identity)
            pending = await outbox.pending(session)
        if found is None:
            raise NotFound(f"there is no replay {identity!r}")
        return ReplayState.model_validate(
            {
                "id": found.id,
                "status": found.status,
                "steps_done": found.steps_done,
                "steps_total": found.steps_total,
                "error": found.error,
                "trades": found.trades,
                "events_pending": pending,
            }
        )

    async def trades(self, identity: str) -> list[ReplayTrades]:
        """Return the closed trades and the equity of every account so far."""
        async with self._database.transaction() as session:
            found = await store.request(session, identity)
            parts = await store.parts(session, identity)
        if found is None:
            raise NotFound(f"there is no replay {identity!r}")
        request = ReplayRequest.model_validate_json(found)
        empty = ReplayPart("", (), ())
        return [
            ReplayTrades(
                account=each.account,
                symbol=each.symbol,
                trades=list(parts.get(each.account, empty).trades),
                equity=list(parts.get(each.account, empty).equity),
            )
            for each in request.accounts
        ]

    async def stop(self, identity: str) -> ReplayState:
        """Stop a replay where it is; a finished one stays finished."""
        async with self._database.transaction() as session:
            await store.end(session, identity, "stopped")
        return await self.state(identity)

    async def _keep(self, request: ReplayRequest, fresh: StoredReplay, course: Replay, text: str) -> None:
        async with self._database.transaction() as session:
            await self._trading.guard(session)
            before = await store.get(session, request.id)
            if before is not None:
                if before.fingerprint != fresh.fingerprint:
                    raise Conflict(f"{request.id!r} is another replay already; choose another id")
                return
            names = [lane.account for lane in course.lanes]
            require_free(names, self.owners, request.id, self._trading.state.accounts)
            await store.create(session, fresh, text, self._clock.now())
            await commands.write(session, course.opening(), request.id)
        self.owners.update(dict.fromkeys(names, request.id))

    def _start(self, identity: str) -> None:
        task = asyncio.create_task(self._run(identity), name=f"replay-{identity}")
        self._tasks[identity] = task
        task.add_done_callback(lambda _: self._tasks.pop(identity, None))

    async def _run(self, identity: str) -> None:
        pause = PAUSE_SECONDS
        while True:
            try:
                await self._go_on(identity)
                return
            except Unavailable as error:  # what is stored counts: it is read again
                logs.get().warning("replay_interrupted", replay=identity, error=error.detail)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
            except Exception as error:  # noqa: BLE001  # the loop that must tell why a replay failed
                logs.get().error("replay_failed", replay=identity, exc_info=error)
                await self._fail(identity, error)
                return

    async def _go_on(self, identity: str) -> None:
        async with self._database.transaction() as session:
            found = await store.read(session, identity)
        if found is None:
            return
        text, progress, _ = found
        request = ReplayRequest.model_validate_json(text)
        course = await asyncio.to_thread(Replay, request, self._engine, self._clock)
        if progress is not None:
            course.restore(progress)
        pace = request.bars_per_second
        steps = CHUNK_STEPS if pace is None else max(1, min(CHUNK_STEPS, int(pace)))
        going_on = True
        while going_on and not course.finished:
            state = self._trading.state.control.state
            chunk = await asyncio.to_thread(course.advance, steps, state)
            going_on = await self._commit(identity, course, chunk)
            self._committed()
            if pace is not None:
                await asyncio.sleep((chunk.steps_done - chunk.first_step) / pace)

    async def _commit(self, identity: str, course: Replay, chunk: ReplayChunk) -> bool:
        parts = [
            ReplayPart(account, rows(marks), marks.equity)
            for account, marks in chunk.marks.items()
            if marks.trades or marks.equity
        ]
        reached = ReplayProgress(
            chunk.first_step, chunk.steps_done, chunk.trades, course.finished, course.dump(), parts
        )
        async with self._database.transaction() as session:
            await self._trading.guard(session)
            kept = await store.reach(session, identity, reached)
            if kept:
                await commands.write(session, chunk.effects, identity)
        return kept

    async def _fail(self, identity: str, error: Exception) -> None:
        told = error.detail if isinstance(error, SeatrialError) else f"{type(error).__name__}: {error}"
        with contextlib.suppress(SeatrialError):
            async with self._database.transaction() as session:
                await store.end(session, identity, "failed", told[:500])


async def stop(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks until every one has ended; libraries lose a cancellation now and then."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=STOP_SECONDS)
