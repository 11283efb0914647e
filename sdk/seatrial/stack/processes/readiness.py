"""Asks a service whether it is ready: once, or without blocking the supervisor."""

import contextlib
import http.client
import select
import socket
import time

TIMEOUT_SECONDS = 1.0
# A starting service accepts connections only after its imports; the question then waits in the queue of its port.
STARTING_TIMEOUT_SECONDS = 10.0
PATH = "/health/ready"
_READY = b" 200 "
_ANSWER_BYTES = 64


def answers_ready(host: str, port: int) -> bool:
    """Return whether a service answers 200 on /health/ready."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", PATH)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class ReadinessProbe:
    """Ask for /health/ready in steps that do not wait for the answer."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._connection: socket.socket | None = None
        self._deadline = 0.0

    def check(self, timeout_seconds: float) -> bool | None:
        """Return the answer, None while it is awaited, or False after `timeout_seconds` without one."""
        try:
            if self._connection is None:
                self._ask(timeout_seconds)
            return self._read()
        except OSError:
            self.cancel()
            return False

    def cancel(self) -> None:
        """Forget the question."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None

    def _ask(self, timeout_seconds: float) -> None:
        self._connection = socket.create_connection((self._host, self._port), timeout=TIMEOUT_SECONDS)
        host = f"[{self._host}]" if ":" in self._host else self._host
        request = f"GET {PATH} HTTP/1.1\r\nHost: {host}:{self._port}\r\nConnection: close\r\n\r\n"
        self._connection.sendall(request.encode("ascii"))
        self._deadline = time.monotonic() + timeout_seconds

    def _read(self) -> bool | None:
        assert self._connection is not None
        readable, _, _ = select.select([self._connection], [], [], 0.0)
        if not readable:
            if time.monotonic() < self._deadline:
                return None
            self.cancel()
            return False
        status_line = self._connection.recv(_ANSWER_BYTES).partition(b"\r\n")[0]
        self.cancel()
        return status_line.startswith(b"HTTP/1.") and _READY in status_line
