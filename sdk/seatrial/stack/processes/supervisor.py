"""Supervises the database and the services: starts, monitors and restarts them, and stops them in order."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from seatrial.stack.environment import StackEnvironment
from seatrial.stack.errors import StackError
from seatrial.stack.layout import Layout
from seatrial.stack.postgres.database import StackDatabase
from seatrial.stack.processes import memory, record
from seatrial.stack.processes.backoff import Backoff
from seatrial.stack.processes.process import ServiceProcess
from seatrial.stack.processes.service_state import ServiceState, ServiceStatus
from seatrial.stack.services import ServiceSpec

TICK_SECONDS = 0.2
PROBE_SECONDS = 3.0
MEASURE_SECONDS = 1.0
READY_SECONDS = 90.0
FIRST_START_ATTEMPTS = 3
BAD_SETTING = 2

log = logging.getLogger(__name__)


@dataclass
class _Watched:
    process: ServiceProcess
    status: ServiceStatus = ServiceStatus.STOPPED
    backoff: Backoff = field(default_factory=Backoff)
    restarts: int = 0
    start_at: float = 0.0
    probe_at: float = 0.0
    was_ready: bool = False
    note: str = ""


Listener = Callable[[str, str], None]


class Supervisor:
    """Run a database and services together; `listener(service, message)` is called on every change."""

    def __init__(
        self,
        layout: Layout,
        database: StackDatabase,
        services: tuple[ServiceSpec, ...],
        environment: StackEnvironment,
        listener: Listener,
    ) -> None:
        self._layout = layout
        self._database = database
        self._environment = environment
        self._say = listener
        self._watched = [
            _Watched(ServiceProcess(service, environment.where[service.name], layout)) for service in services
        ]
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.RLock()
        self._served_url = ""
        self._database_backoff = Backoff()
        self._database_at = 0.0
        self._measure_at = 0.0
        self._database_restarts = 0
        self._database_started = 0.0
        self.peak_memory_bytes = 0

    def start(self) -> None:
        """Start every service, wait until all are ready, then watch them in the background."""
        self._served_url = self._database.url
        self._database_started = time.monotonic()
        for watched in self._watched:
            self._launch(watched)
        deadline = time.monotonic() + READY_SECONDS
        while not all(watched.was_ready for watched in self._watched):
            self._tick()
            self._check_first_start(deadline)
            time.sleep(0.05)
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the services in reverse order; the caller stops the database."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=30)
        with self._lock:
            for watched in reversed(self._watched):
                if watched.process.pid is not None:
                    self._say(watched.process.service.name, "stopping")
                watched.process.stop()
                watched.status = ServiceStatus.STOPPED

    def states(self) -> list[ServiceState]:
        """Return the state of the database and of every service."""
        stored = record.read(self._layout.run, "postgres")
        alive = self._database.is_running()
        database = ServiceState(
            "postgres",
            ServiceStatus.READY if alive else ServiceStatus.WAITING,
            stored.pid if stored else None,
            stored.port if stored else None,
            self._database_restarts,
            "" if stored else "external",
        )
        services = [
            ServiceState(
                watched.process.service.name,
                watched.status,
                watched.process.pid,
                watched.process.address.port,
                watched.restarts,
                watched.note,
            )
            for watched in self._watched
        ]
        return [database, *services]

    def _watch(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            try:
                self._tick()
            except Exception:  # the loop that must survive a bad tick
                log.exception("supervisor_tick_failed")
                self._say("supervisor", "a check failed; see the log")

    def _tick(self) -> None:
        with self._lock:
            self._tick_database()
            for watched in self._watched:
                self._tick_service(watched)
            self._measure()

    def _tick_database(self) -> None:
        now = time.monotonic()
        if self._database_at == 0.0:
            if self._database.is_running():
                return
            self._database_backoff = self._database_backoff.crashed(now - self._database_started)
            self._database_at = now + self._database_backoff.pause_seconds
            self._say(
                "postgres", f"ended unexpectedly; starting it again in {self._database_backoff.pause_seconds:g} s"
            )
        if now < self._database_at:
            return
        self._database_at = 0.0
        self._database_started = now
        try:
            self._database.start()
        except StackError as error:
            self._say("postgres", str(error))
            return
        self._database_restarts += 1
        self._say("postgres", "is running again")
        if self._database.url != self._served_url:
            self._move_services()

    def _move_services(self) -> None:
        self._served_url = self._database.url
        self._say("postgres", "has a new address; restarting the services")
        for watched in reversed(self._watched):
            watched.process.stop()
        for watched in self._watched:
            self._launch(watched)

    def _tick_service(self, watched: _Watched) -> None:
        now = time.monotonic()
        name = watched.process.service.name
        code = watched.process.ended()
        if code is not None:
            watched.backoff = watched.backoff.crashed(watched.process.lived_seconds)
            watched.start_at = now + watched.backoff.pause_seconds
            watched.note = watched.process.last_output()
            watched.status = ServiceStatus.WAITING
            pause = watched.backoff.pause_seconds
            why = f": {watched.note}" if watched.note and code > 0 else ""
            self._say(name, f"ended unexpectedly ({_how(code)}){why}; starting it again in {pause:g} s")
            if code == BAD_SETTING and not watched.was_ready:
                raise StackError(f"{name} refuses to start: {watched.note}")
        elif watched.status is ServiceStatus.WAITING and now >= watched.start_at:
            watched.restarts += 1
            self._launch(watched)
        elif watched.status is not ServiceStatus.WAITING and now >= watched.probe_at:
            self._probe(watched)

    def _launch(self, watched: _Watched) -> None:
        process = watched.process
        process.start(self._environment.for_service(process.service, self._served_url), watched.restarts)
        watched.status = ServiceStatus.STARTING
        watched.probe_at = 0.0

    def _probe(self, watched: _Watched) -> None:
        before = watched.status
        if watched.process.is_ready():
            watched.status = ServiceStatus.READY
            watched.was_ready = True
            watched.note = ""
            watched.probe_at = time.monotonic() + PROBE_SECONDS
            if before is not ServiceStatus.READY:
                self._say(watched.process.service.name, f"ready on {watched.process.address.url}")
            return
        watched.probe_at = time.monotonic() + (0.1 if before is ServiceStatus.STARTING else 1.0)
        if before is ServiceStatus.READY:
            watched.status = ServiceStatus.NOT_READY
            self._say(watched.process.service.name, "does not answer /health/ready")

    def _check_first_start(self, deadline: float) -> None:
        for watched in self._watched:
            name = watched.process.service.name
            if watched.backoff.crashes >= FIRST_START_ATTEMPTS and not watched.was_ready:
                raise StackError(
                    f"{name} does not start: {watched.note or 'it wrote nothing'} (log: {watched.process.log})"
                )
            if time.monotonic() > deadline and not watched.was_ready:
                raise StackError(f"{name} was not ready within {READY_SECONDS:.0f} s; see {watched.process.log}")

    def _measure(self) -> None:
        if time.monotonic() >= self._measure_at:
            self._measure_at = time.monotonic() + MEASURE_SECONDS
            self.peak_memory_bytes = max(self.peak_memory_bytes, memory.of_family())


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
