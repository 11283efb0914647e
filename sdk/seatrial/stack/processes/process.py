"""One service as a child process: started with a pipe that ends it, stopped in order, its log in a file."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from seatrial.stack import ports
from seatrial.stack.errors import not_writable
from seatrial.stack.layout import Layout
from seatrial.stack.processes import record
from seatrial.stack.processes.held_ports import HeldPorts
from seatrial.stack.processes.readiness import ReadinessProbe
from seatrial.stack.services import ServiceAddress, ServiceSpec
from seatrial_core import listen_descriptors, private_files

GRACE_SECONDS = 15.0


class ServiceProcess:
    """Start, probe and stop one service; whether and when to restart is decided by the supervisor."""

    def __init__(self, service: ServiceSpec, address: ServiceAddress, layout: Layout, held_ports: HeldPorts) -> None:
        self.service = service
        self.address = address
        self._layout = layout
        self._held_ports = held_ports
        self._probe = ReadinessProbe(ports.reachable_host(address.host), address.port)
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """Return the pid of the live process, or None."""
        return self._child.pid if self._child is not None and self._child.returncode is None else None

    @property
    def lived_seconds(self) -> float:
        """Return the seconds since the last start."""
        return time.monotonic() - self._started

    @property
    def log(self) -> Path:
        """Return the file that receives what the service writes."""
        return self._layout.log(self.service.name)

    def start(self, environment: Mapping[str, str], restarts: int = 0) -> None:
        """Start the process in a new session, so that Ctrl-C in the terminal reaches only the supervisor."""
        sockets = self._held_ports.of(self.service.name)
        descriptors = [listener.fileno() for group in sockets.values() for listener in group]
        self._held_ports.set_running(self.service.name, is_running=True)
        try:
            with os.fdopen(private_files.open_append(self.log), "ab") as log:
                self._log_start = os.fstat(log.fileno()).st_size
                self._child = subprocess.Popen(
                    self.service.arguments,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    cwd=self._layout.root,
                    env={**environment, listen_descriptors.VARIABLE: listen_descriptors.describe(sockets)},
                    start_new_session=True,
                    umask=0o077,
                    pass_fds=descriptors,
                )
        except OSError as error:
            self._held_ports.set_running(self.service.name, is_running=False)
            raise not_writable(self.log, error) from error
        self._started = time.monotonic()
        part = record.ProcessLabel(self.service.name, self.address.port, restarts)
        record.write(self._layout.run, part, self._child.pid)

    def ended(self) -> int | None:
        """Return the exit code when the process has exited, else None."""
        if self._child is None:
            return None
        code = self._child.poll()
        if code is not None:
            self._clear(self._child)
        return code

    def is_ready(self, timeout_seconds: float) -> bool | None:
        """Return whether /health/ready answers 200, or None while the answer is awaited.

        The answer is our child's: the stack holds the socket of the port, and only the child has inherited it.
        """
        return self._probe.check(timeout_seconds)

    def stop(self) -> None:
        """End the process: SIGTERM, then after a grace SIGKILL for it and its workers."""
        if self._child is None:
            return
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(timeout=GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._kill_group(self._child.pid)
                self._child.wait()
        self._clear(self._child)

    def last_output(self) -> str:
        """Return the last plain lines that the process wrote since its start; JSON log lines only when nothing else."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(self._log_start, log.seek(0, os.SEEK_END) - 20_000))
                lines = [line.strip() for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
        except OSError:
            return ""
        plain = [line for line in lines if not line.startswith("{")]
        return (plain or lines or [""])[-1]

    def _clear(self, child: "subprocess.Popen[bytes]") -> None:
        self._kill_group(child.pid)  # workers of a service that died without ending them
        if child.stdin is not None:
            child.stdin.close()
        self._child = None
        self._probe.cancel()
        self._held_ports.set_running(self.service.name, is_running=False)
        record.forget(self._layout.run, self.service.name)

    @staticmethod
    def _kill_group(leader: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
