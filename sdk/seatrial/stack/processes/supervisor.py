"""Starts the services of a stack in order, checks all parts in a thread, and stops them in reverse order."""

import logging
import threading
import time

from seatrial.stack.errors import StackError
from seatrial.stack.processes import memory
from seatrial.stack.processes.database_watch import PART, DatabaseWatch
from seatrial.stack.processes.service_state import Listener, ServiceState
from seatrial.stack.processes.service_watch import ServiceWatch
from seatrial.thread_loop import ThreadLoop

FIRST_CHECK_SECONDS = 0.05
CHECK_SECONDS = 0.2
MEASURE_SECONDS = 1.0
READY_SECONDS = 90.0

log = logging.getLogger(__name__)


class Supervisor:
    """Run services over a started database until `stop_event` is set."""

    def __init__(
        self, database: DatabaseWatch, services: list[ServiceWatch], listener: Listener, stop_event: threading.Event
    ) -> None:
        self._database = database
        self._services = services
        self._say = listener
        self._stop_event = stop_event
        self._loop = ThreadLoop("supervisor", self._check, CHECK_SECONDS, self._report_failure, stop_event)
        self._measure_at = 0.0
        self.peak_memory_bytes = 0

    def start(self) -> None:
        """Start every service, wait until all were ready, then check them in the background.

        Raises:
            StackError: A service does not start, or the stop event was set before all were ready.
        """
        for service in self._services:
            service.start(self._database.variables(service.name))
        deadline = time.monotonic() + READY_SECONDS
        while not all(service.was_ready for service in self._services):
            self._check()
            for service in self._services:
                service.require_start(deadline, READY_SECONDS)
            if self._stop_event.wait(FIRST_CHECK_SECONDS):
                raise StackError("The stack was stopped before all services were ready.")
        self._loop.start()

    def stop(self) -> None:
        """Stop the services in reverse order after the stop event was set; the caller stops the database."""
        self._loop.join()
        for service in reversed(self._services):
            state = service.state()
            if state.pid is not None:
                self._say(state.service, "stopping")
            service.stop()

    def states(self) -> list[ServiceState]:
        """Return the state of the database and of every service."""
        return [self._database.state(), *(service.state() for service in self._services)]

    def _report_failure(self) -> None:
        log.exception("supervisor_check_failed")
        self._say("supervisor", "a check failed; see the log")

    def _check(self) -> None:
        url = self._database.url
        self._database.check()
        if self._database.url != url:
            self._restart_services()
        for service in self._services:
            service.check()
        self._measure_memory()

    def _restart_services(self) -> None:
        self._say(PART, "has a new address; restarting the services")
        for service in reversed(self._services):
            service.stop()
        for service in self._services:
            service.start(self._database.variables(service.name))

    def _measure_memory(self) -> None:
        if time.monotonic() >= self._measure_at:
            self._measure_at = time.monotonic() + MEASURE_SECONDS
            self.peak_memory_bytes = max(self.peak_memory_bytes, memory.of_family())
