"""Watches the database of a stack and starts it again after a crash."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from seatrial.stack.errors import StackError
from seatrial.stack.processes import record
from seatrial.stack.processes.backoff import Backoff
from seatrial.stack.processes.service_state import Listener, ServiceState, ServiceStatus

PART = "postgres"


class StackDatabase(Protocol):
    """A database that a stack starts, checks and stops."""

    @property
    def url(self) -> str:
        """Return the address as the owner of the database, password included."""
        ...

    def variables(self, service: str) -> Mapping[str, str]:
        """Return the variables of the database for one service."""
        ...

    def role_passwords(self) -> Mapping[str, str]:
        """Return the passwords of the roles that the stack manages, by service; none for an external one."""
        ...

    def start(self) -> None:
        """Start the server, or check that an external one answers."""
        ...

    def is_running(self) -> bool:
        """Return whether the server runs; always true for an external one."""
        ...

    def stop(self) -> None:
        """Stop the server; do nothing for an external one."""
        ...


class DatabaseWatch:
    """Check a started database and restart it after a pause that grows with each crash."""

    def __init__(self, database: StackDatabase, run_folder: Path, listener: Listener) -> None:
        self._database = database
        self._run_folder = run_folder
        self._say = listener
        self._backoff = Backoff()
        self._started = time.monotonic()
        self._start_at: float | None = None
        self._restarts = 0
        self.url = database.url

    def variables(self, service: str) -> Mapping[str, str]:
        """Return the variables of the database for one service."""
        return self._database.variables(service)

    def check(self) -> None:
        """Announce a crash, or restart the database when its pause is over; a restart may change `url`."""
        now = time.monotonic()
        if self._start_at is not None:
            if now >= self._start_at:
                self._restart(now)
        elif not self._database.is_running():
            self._backoff = self._backoff.crashed(now - self._started)
            pause = self._backoff.pause_seconds
            self._start_at = now + pause
            self._say(PART, f"ended unexpectedly; starting it again in {pause:g} s")

    def state(self) -> ServiceState:
        """Return the state of the database."""
        stored = record.read(self._run_folder, PART)
        return ServiceState(
            PART,
            ServiceStatus.READY if self._database.is_running() else ServiceStatus.WAITING,
            stored.pid if stored else None,
            stored.port if stored else None,
            self._restarts,
            "" if stored else "external",
        )

    def _restart(self, now: float) -> None:
        self._start_at = None
        self._started = now
        try:
            self._database.start()
        except StackError as error:
            self._say(PART, str(error))
            return
        self._restarts += 1
        self.url = self._database.url
        self._say(PART, "is running again")
