"""Starts the server process under its watchdog: address, settings, readiness, and retries after a crash."""

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
from seatrial.stack.postgres import cluster, postmaster, socket_folder
from seatrial.stack.postgres.account import ServerUser
from seatrial.stack.postgres.binaries import Binaries

SOCKET_PORT = 5432
START_SECONDS = 60.0
STOP_SECONDS = 20.0
RETRY_SECONDS = 20.0
# Output of a start that fails because the server that was killed has not released its memory or lock file yet.
_LINGERING = ("lock file", "pre-existing shared memory block", "is the parent process still running")
_PORT_IN_USE = ("could not bind", "could not create any TCP/IP sockets", "Address already in use")


@dataclass(frozen=True)
class LaunchedServer:
    """A server that was ready once: its watchdog process, which ends with the server, and its socket's folder."""

    watchdog: "subprocess.Popen[bytes]"
    socket_folder: Path

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

    It listens on a Unix socket, and on the TCP port `fixed_port` of 127.0.0.1 if there is one; setting `stop_event`
    cancels a start.
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
        while True:
            folder = socket_folder.prepare(self._folder.resolve(), account)
            watchdog, output = self._start_once(self._order(binaries, account, folder))
            if output is None:
                return LaunchedServer(watchdog, folder)
            if self._fixed_port is not None and any(text in output for text in _PORT_IN_USE):
                raise PortTaken(
                    f"Port {self._fixed_port} on {ports.LOOPBACK} is taken. Set SEATRIAL_POSTGRES_PORT to a free one, "
                    "or unset it: the services use a Unix socket."
                )
            if not any(text in output for text in _LINGERING) or time.monotonic() > deadline:
                raise StackError(
                    f"PostgreSQL did not start in {self._data}: {output.strip() or 'no output'} (log: {self._log})"
                )
            self._pause(0.1)

    def _start_once(self, order: str) -> tuple["subprocess.Popen[bytes]", str | None]:
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
            _send(watchdog, order)
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

    def _order(self, binaries: Binaries, account: ServerUser, folder: Path) -> str:
        settings = {
            # By default no TCP at all: every account of the machine could connect, and so take all places.
            "listen_addresses": ports.LOOPBACK if self._fixed_port is not None else "",
            "port": str(self._fixed_port or SOCKET_PORT),
            "unix_socket_directories": f'"{folder}"',
            "unix_socket_permissions": "0700",
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
