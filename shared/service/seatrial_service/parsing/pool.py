"""The parser processes of a service: one for small bodies, one for large ones, each with a bounded queue."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, Concatenate, ParamSpec, TypeVar

from seatrial_service.parsing.parser_limits import ParserLimits, TooCostlyToRead, busy
from seatrial_service.parsing.process import ParserProcess
from seatrial_service.parsing.spool import SpooledBody

INLINE_BYTES = 64 << 10  # read in milliseconds, whatever it contains
SMALL_BYTES = 1 << 20

P = ParamSpec("P")
R = TypeVar("R")


class ParserPool:
    """Calls functions with bodies outside the event loop; a large body never makes a small one wait.

    Args:
        limits: Memory and time of one call, and the lengths of the queues.
        modules: Modules that the processes import at their start, so that the first call is not slower.
    """

    def __init__(self, limits: ParserLimits, modules: Sequence[str] = ()) -> None:
        self._small = _Lane(limits, modules)
        self._large = _Lane(limits, modules)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the processes in the background, and end them with the block."""
        lanes = (self._small, self._large)
        for lane in lanes:
            lane.warm_up()
        try:
            yield
        finally:
            for lane in lanes:
                await lane.close()

    async def call(
        self, body: SpooledBody, function: Callable[Concatenate[BinaryIO, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return what a function returns for a body.

        Args:
            body: The received body.
            function: A function of a module; its first argument is the body as a binary file.
            *args: Its other arguments; they and the result can be pickled.
            **kwargs: None are supported.

        Raises:
            ParserBusy: Too many bodies wait.
            TooCostlyToRead: The body takes too much memory or time.
        """
        assert not kwargs, "a function in another process is called by position"
        if body.size <= INLINE_BYTES:
            body.file.seek(0)
            return await asyncio.to_thread(function, body.file, *args, **kwargs)
        lane = self._small if body.size <= SMALL_BYTES else self._large
        return await lane.call(function, body.file.fileno(), args)


class _Lane:
    def __init__(self, limits: ParserLimits, modules: Sequence[str]) -> None:
        self._limits = limits
        self._process = ParserProcess(limits, modules)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="parser")
        self._taken = 0

    def warm_up(self) -> None:
        with contextlib.suppress(RuntimeError):  # the service ends
            self._thread.submit(self._process.start)

    async def close(self) -> None:
        self._process.interrupt()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._process.stop)
        self._thread.shutdown(wait=False)

    async def call(self, function: Callable[..., R], descriptor: int, arguments: tuple[object, ...]) -> R:
        if self._taken > self._limits.queue:
            raise busy(f"{self._taken} uploads wait to be read")
        self._taken += 1
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._thread, self._process.call, function, descriptor, arguments)
        work.add_done_callback(self._replace_ended)
        try:
            # The thread uses the descriptor, which the caller closes: a cancelled caller waits for it too.
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            if not work.cancel():
                await asyncio.wait({work})
            raise
        finally:
            self._taken -= 1

    def _replace_ended(self, work: "asyncio.Future[R]") -> None:
        if not work.cancelled() and isinstance(work.exception(), TooCostlyToRead):
            self.warm_up()
