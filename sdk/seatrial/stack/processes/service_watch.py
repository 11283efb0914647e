"""Watches one service: starts it, probes its readiness and starts it again after a crash."""

import time
from collections.abc import Mapping

from seatrial.stack.environment import StackEnvironment
from seatrial.stack.errors import StackError, UsageError
from seatrial.stack.processes import readiness
from seatrial.stack.processes.backoff import Backoff
from seatrial.stack.processes.process import ServiceProcess
from seatrial.stack.processes.service_state import Listener, ServiceState, ServiceStatus

PROBE_SECONDS = 3.0
FIRST_START_ATTEMPTS = 3
BAD_SETTING = 2


class ServiceWatch:
    """Run one service process and restart it after a pause that grows with each crash."""

    def __init__(self, process: ServiceProcess, environment: StackEnvironment, listener: Listener) -> None:
        self._process = process
        self._environment = environment
        self._say = listener
        self._name = process.service.name
        self._database: Mapping[str, str] = {}
        self._status = ServiceStatus.STOPPED
        self._backoff = Backoff()
        self._restarts = 0
        self._start_at = 0.0
        self._probe_at = 0.0
        self._note = ""
        self.was_ready = False

    @property
    def name(self) -> str:
        """Return the name of the service."""
        return self._name

    def start(self, database: Mapping[str, str]) -> None:
        """Start the process with these variables of the database; later restarts use them too."""
        self._database = database
        self._launch()

    def check(self) -> None:
        """Announce a crash, restart the process when its pause is over, or probe its readiness.

        Raises:
            UsageError: The service refuses its settings at its first start.
        """
        now = time.monotonic()
        code = self._process.ended()
        if code is not None:
            self._announce_crash(code, now)
        elif self._status is ServiceStatus.STOPPED:
            return
        elif self._status is ServiceStatus.WAITING:
            if now >= self._start_at:
                self._restarts += 1
                self._launch()
        elif now >= self._probe_at:
            self._probe()

    def require_start(self, deadline: float, timeout_seconds: float) -> None:
        """Raise when the service was never ready and crashes again and again, or `deadline` (monotonic) is over."""
        if self.was_ready:
            return
        if self._backoff.crashes >= FIRST_START_ATTEMPTS:
            raise StackError(
                f"{self._name} does not start: {self._note or 'it wrote nothing'} (log: {self._process.log})"
            )
        if time.monotonic() > deadline:
            raise StackError(f"{self._name} was not ready within {timeout_seconds:.0f} s; see {self._process.log}")

    def stop(self) -> None:
        """Stop the process."""
        self._process.stop()
        self._status = ServiceStatus.STOPPED

    def state(self) -> ServiceState:
        """Return the state of the service."""
        port = self._process.address.port
        return ServiceState(self._name, self._status, self._process.pid, port, self._restarts, self._note)

    def _announce_crash(self, code: int, now: float) -> None:
        if code == BAD_SETTING:
            self._announce_refusal()
            return
        self._backoff = self._backoff.crashed(self._process.lived_seconds)
        pause = self._backoff.pause_seconds
        self._start_at = now + pause
        self._note = self._process.last_output()
        self._status = ServiceStatus.WAITING
        cause = f"signal {-code}" if code < 0 else f"exit code {code}"
        output = f": {self._note}" if self._note and code > 0 else ""
        self._say(self._name, f"ended unexpectedly ({cause}){output}; starting it again in {pause:g} s")

    def _announce_refusal(self) -> None:
        # The same settings would be refused again, so there is no further start.
        self._note = self._process.last_output()
        self._status = ServiceStatus.STOPPED
        if not self.was_ready:
            raise UsageError(f"{self._name} refuses to start: {self._note}")
        advice = "correct the setting, then `seatrial down` and `seatrial up`"
        self._say(self._name, f"refuses its settings and stays stopped: {self._note}; {advice}")

    def _launch(self) -> None:
        self._process.start(self._environment.for_service(self._process.service, self._database), self._restarts)
        self._status = ServiceStatus.STARTING
        self._probe_at = 0.0

    def _probe(self) -> None:
        before = self._status
        is_starting = before is ServiceStatus.STARTING
        is_ready = self._process.is_ready(
            readiness.STARTING_TIMEOUT_SECONDS if is_starting else readiness.TIMEOUT_SECONDS
        )
        if is_ready is None:
            return  # the next check reads the answer
        if is_ready:
            self._status = ServiceStatus.READY
            self.was_ready = True
            self._note = ""
            self._probe_at = time.monotonic() + PROBE_SECONDS
            if before is not ServiceStatus.READY:
                self._say(self._name, f"ready on {self._process.address.url}")
            return
        self._probe_at = time.monotonic() + (0.1 if is_starting else 1.0)
        if before is ServiceStatus.READY:
            self._status = ServiceStatus.NOT_READY
            self._say(self._name, "does not answer /health/ready")
