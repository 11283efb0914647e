"""Starts the server process under its watchdog: port, settings, readiness, and retries after a crash."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial.stack import ports
from seatrial.stack.errors import PortTaken, StackError, not_writable
from seatrial.stack.postgres import cluster, postmaster
from seatrial.stack.postgres.account import ServerUser
from seatrial.stack.postgres.binaries import Binaries
from seatrial_core import private_files

START_SECONDS = 60.0
STOP_SECONDS = 20.0
RETRY_SECONDS = 20.0
# Output of a start that fails because the server that was killed has not released its memory or lock file yet.
_LINGERING = ("lock file", "pre-existing shared memory block", "is the parent process still running")
_PORT_IN_USE = ("could not bind", "could not create any TCP/IP sockets", "Address already in use")


@dataclass(frozen=True)
class LaunchedServer:
    """A server that was ready once: its watchdog process, which ends with the server, and its port."""

    watchdog: "subprocess.Popen[bytes]"
    port: int

    @property
    def is_running(self) -> bool:
        """Return whether the server is still running."""
        return self.watchdog.poll() is None

    @property
    def is_stopped(self) -> bool:
        """Return whether `stop` was called."""
        return self.watchdog.stdin is None or self.watchdog.stdin.closed

    def stop(self) -> None:
        """Close the watchdog's pipe, which stops the server, and wait for both."""
        _stop_watchdog(self.watchdog)


class ServerLauncher:
    """Start a server on `folder`.

    `fixed_port` is its TCP port, None a free one that the folder remembers; setting `stop_event` cancels a start.
    """

    def __init__(
        self, folder: Path, fixed_port: int | None, settings: Mapping[str, str], stop_event: threading.Event
    ) -> None:
        self._folder = folder
        self._fixed_port = fixed_port
        self._settings = settings
        self._stop_event = stop_event

    @property
    def _data(self) -> Path:
        return self._folder.resolve() / "data"

    @property
    def _log(self) -> Path:
        return self._folder.resolve() / "server.log"

    def launch(self, binaries: Binaries, account: ServerUser) -> LaunchedServer:
        """Start the server and return when it accepts connections.

        Raises:
            PortTaken: The fixed port is in use.
            StackError: The server ended or was not ready in time (the text quotes its output), or was cancelled.
        """
        deadline = time.monotonic() + RETRY_SECONDS
        avoid: int | None = None
        while True:
            port = self._choose_port(avoid)
            watchdog, output = self._start_once(binaries, account, port)
            if output is None:
                private_files.write_text(self._folder.resolve() / "port", f"{port}\n")
                return LaunchedServer(watchdog, port)
            port_taken = any(text in output for text in _PORT_IN_USE)
            if port_taken and self._fixed_port is not None:
                raise PortTaken(f"Port {port} on {ports.LOOPBACK} is taken. Set SEATRIAL_POSTGRES_PORT to a free one.")
            lingering = any(text in output for text in _LINGERING)
            if not (port_taken or lingering) or time.monotonic() > deadline:
                raise StackError(
                    f"PostgreSQL did not start in {self._data}: {output.strip() or 'no output'} (log: {self._log})"
                )
            avoid = port if port_taken else None
            self._pause(0.1)

    def _choose_port(self, avoid: int | None) -> int:
        if self._fixed_port is not None:
            return self._fixed_port
        try:
            remembered = int((self._folder.resolve() / "port").read_text(encoding="ascii"))
        except (OSError, ValueError):
            remembered = None
        if remembered is not None and remembered != avoid and ports.is_free(remembered):
            return remembered
        return ports.free()

    def _start_once(
        self, binaries: Binaries, account: ServerUser, port: int
    ) -> tuple["subprocess.Popen[bytes]", str | None]:
        # The output is None when the server is ready, else what it wrote before it ended.
        try:
            log_start = self._log.stat().st_size if self._log.exists() else 0
            watchdog = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("child_watchdog.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                env=cluster.environment(),
            )
        except OSError as error:
            raise not_writable(self._folder, error) from error
        with contextlib.ExitStack() as cleanup:
            cleanup.callback(_stop_watchdog, watchdog)
            _send(watchdog, self._order(binaries, account, port))
            if self._becomes_ready(watchdog):
                cleanup.pop_all()
                return watchdog, None
        with self._log.open("rb") as log:
            log.seek(log_start)
            return watchdog, log.read().decode("utf-8", "replace")[-2000:]

    def _becomes_ready(self, watchdog: "subprocess.Popen[bytes]") -> bool:
        deadline = time.monotonic() + START_SECONDS
        while watchdog.poll() is None:
            state = postmaster.read(self._data)
            if state is not None and state.is_ready and postmaster.process(self._data) is not None:
                return True
            if time.monotonic() > deadline:
                raise StackError(f"PostgreSQL did not become ready within {START_SECONDS:.0f} s; see {self._log}")
            self._pause(0.02)
        return False

    def _pause(self, seconds: float) -> None:
        if self._stop_event.wait(seconds):
            raise StackError(f"The start of PostgreSQL in {self._data} was cancelled.")

    def _order(self, binaries: Binaries, account: ServerUser, port: int) -> str:
        settings = {
            "listen_addresses": ports.LOOPBACK,
            "port": str(port),
            # No socket file at all: TCP with a password is enough, and a socket's path may not exceed 107 bytes.
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "logging_collector": "off",
            # How long a connection that has not shown the password may occupy a place.
            "authentication_timeout": "10s",
            **self._settings,
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return json.dumps(
            {
                "command": [str(binaries.folder / "postgres"), "-D", str(self._data), *arguments],
                "log": str(self._log),
                "user": account.user,
                "group": account.group,
                "stop_signal": int(signal.SIGINT),
                "grace_seconds": STOP_SECONDS,
                "environment": cluster.environment(),
            }
        )


def _send(watchdog: "subprocess.Popen[bytes]", order: str) -> None:
    if watchdog.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # it has ended already, and its output says why
            watchdog.stdin.write(f"{order}\n".encode())
            watchdog.stdin.flush()


def _stop_watchdog(watchdog: "subprocess.Popen[bytes]") -> None:
    if watchdog.stdin is not None:
        watchdog.stdin.close()
    try:
        watchdog.wait(timeout=STOP_SECONDS * 3 + 5)  # it tries three signals
    except subprocess.TimeoutExpired:
        watchdog.kill()
        watchdog.wait()
