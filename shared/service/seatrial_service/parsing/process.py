"""One parser process as the service sees it: started when needed, ended when it exceeds a limit."""

import importlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import psutil

from seatrial_service.parsing import wire
from seatrial_service.parsing.parser_limits import ParserLimits, busy, too_much_memory, too_much_time

WATCH_SECONDS = 0.05
START_SECONDS = 60.0
READY = b"."
# No token, password or address of a database reaches a process that reads what strangers send.
INHERITED = (
    "PATH",
    "PYTHONPATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TZ",
    "VIRTUAL_ENV",
    "NUMBA_CACHE_DIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class StartError(Exception):
    """The process ended or did not answer at its start."""


class ParserProcess:
    """A process that calls functions with bodies, one at a time; not safe for several threads.

    Args:
        limits: Memory and time of one call.
        modules: Modules to import at the start.
    """

    def __init__(self, limits: ParserLimits, modules: Sequence[str]) -> None:
        self._limits = limits
        self._modules = tuple(modules)
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None

    def start(self) -> None:
        """Start the process unless it runs.

        Raises:
            StartError: It did not answer in time, or has ended.
        """
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        ours, theirs = socket.socketpair()
        with theirs:
            variables = {name: os.environ[name] for name in INHERITED if name in os.environ}
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "seatrial_service.parsing.child", str(theirs.fileno()), *self._modules],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**variables, **dict.fromkeys(THREADS, "1")},
            )
        self._connection = ours
        ours.settimeout(START_SECONDS)
        try:
            is_ready = ours.recv(1) == READY
        except (TimeoutError, ConnectionError):
            is_ready = False
        if not is_ready:
            raise StartError("the parser process did not start")

    def interrupt(self) -> None:
        """Kill the process from another thread; a call that is waiting for it ends."""
        process = self._process
        if process is not None:
            process.kill()

    def stop(self) -> None:
        """End the process."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._connection = None

    def call(self, function: Callable[..., Any], body: int, arguments: tuple[Any, ...]) -> Any:  # Any: of the function
        """Return what the function returns for a body.

        Args:
            function: A function of a module; its first argument is the body as a binary file.
            body: The file's descriptor.
            arguments: Its other arguments.

        Raises:
            TooCostlyToRead: It exceeded the limit of memory or time; the process is replaced by the next call.
            SeatrialError: The error that the function raised; one of pydantic becomes ValidationFailed.
        """
        limits = self._limits
        task = wire.ParseTask(
            function.__module__, function.__qualname__, arguments, limits.memory_bytes, limits.seconds
        )
        is_done = False
        try:
            self.start()
            message = self._exchange(task, body)
            is_done = True
        except StartError as error:
            raise busy("the process that reads uploads did not start") from error
        except (EOFError, ValueError, ConnectionError) as error:
            raise too_much_memory(limits) from error  # the system ends a process that takes too much
        finally:
            if not is_done:
                self.stop()
        return _value(message, limits)

    def _exchange(self, task: wire.ParseTask, body: int) -> object:
        connection, process = self._connection, self._process
        assert connection is not None and process is not None, "started before"
        socket.send_fds(connection, [b"."], [body])
        wire.send(connection, task)
        watched = psutil.Process(process.pid)
        ends_at = monotonic() + task.seconds
        connection.settimeout(WATCH_SECONDS)

        def read(count: int) -> bytes:
            while True:
                try:
                    return connection.recv(count)
                except TimeoutError:
                    self._check(watched, ends_at)

        return wire.receive(read, task.memory_bytes)

    def _check(self, watched: psutil.Process, ends_at: float) -> None:
        # The process limits its own memory where the system can; elsewhere this is the limit.
        try:
            if watched.memory_info().rss > self._limits.memory_bytes:
                raise too_much_memory(self._limits)
        except psutil.Error as error:
            raise EOFError("the process ended") from error
        if monotonic() > ends_at:
            raise too_much_time(self._limits)


def _value(message: object, limits: ParserLimits) -> Any:  # Any: of the function
    match message:
        case wire.ParsedBody(value):
            return value
        case wire.RefusedBody(module, name, detail, errors):
            raise getattr(importlib.import_module(module), name)(detail, errors=errors)
        case wire.ExhaustedMemory():
            raise too_much_memory(limits)
        case wire.FailedParser(traceback):
            raise RuntimeError(f"the parser process failed:\n{traceback}")
    raise RuntimeError(f"the parser process sent {type(message).__name__}")
