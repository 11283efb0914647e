"""The stack of one folder as one object, used by `seatrial up` and the demo."""

import contextlib
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType

from seatrial.stack import services, settings_check
from seatrial.stack.caller_tokens import CallerTokens
from seatrial.stack.environment import StackEnvironment
from seatrial.stack.errors import AlreadyRunning, StackError, UsageError
from seatrial.stack.layout import Layout
from seatrial.stack.postgres import database
from seatrial.stack.processes import record, stale_processes
from seatrial.stack.processes.database_watch import DatabaseWatch, StackDatabase
from seatrial.stack.processes.held_ports import HeldPorts
from seatrial.stack.processes.lock import FileLock
from seatrial.stack.processes.process import ServiceProcess
from seatrial.stack.processes.service_state import Listener, ServiceState
from seatrial.stack.processes.service_watch import ServiceWatch
from seatrial.stack.processes.supervisor import Supervisor
from seatrial.stack.services import StackPlan
from seatrial_core.variables import unknown_variables

SUPERVISOR = "up"


class Stack:
    """Start and stop everything that belongs to a folder.

    `listener(service, message)` is called on every change, also from the supervisor's thread. `stop` sets `stop_event`,
    on which every wait of a running stack ends.

    Example: `with Stack(Layout.here()) as stack: stack.start(); print(stack.url("metrics"))`
    """

    def __init__(
        self,
        layout: Layout,
        plan: StackPlan | None = None,
        listener: Listener = lambda service, message: None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.layout = layout
        self._plan = plan or StackPlan()
        self.say = listener
        self._inherited = dict(os.environ if environment is None else environment)
        if not self._inherited.get(database.VARIABLE):
            self._inherited.pop(database.DIRECT_VARIABLE, None)  # it would bypass the embedded database
        self._where, self._complaints = services.read_addresses(self._plan.services, self._inherited)
        self._lock = FileLock(layout.lock)
        self._holds_lock = False
        self._held_ports = HeldPorts()
        self._database: StackDatabase | None = None
        self._supervisor: Supervisor | None = None
        self.stop_event = threading.Event()

    def __enter__(self) -> "Stack":
        """Return the stack; `start` starts it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what was started."""
        self.stop()

    def add_environment(self, service: str, values: Mapping[str, str]) -> None:
        """Add environment variables to one service; call it before `start`."""
        if self._supervisor is not None:
            raise StackError("add_environment must be called before start: a running process keeps its variables.")
        self._plan = self._plan.with_environment(service, values)

    def use_fresh_database(self, name: str) -> None:
        """Use a new database of this name instead of the folder's default; call it before `start`."""
        self._plan = replace(self._plan, fresh_database=name)

    def start(self) -> None:
        """Start the database, migrate it, start the services; returns when all are ready."""
        self.layout.make(lambda message: self.say("folder", message))
        self._take_lock()
        self.stop_event.clear()
        with contextlib.ExitStack() as cleanup:
            cleanup.callback(self.stop)
            self._start()
            cleanup.pop_all()

    def stop(self) -> None:
        """Stop everything in reverse order; do nothing when nothing runs."""
        self.stop_event.set()
        if self._supervisor is not None:
            self._supervisor.stop()
        if self._database is not None:
            self._database.stop()
            self._database = None
        if self._holds_lock:
            record.forget(self.layout.run, SUPERVISOR)  # before the ports are free: now no client sends the token
        self._held_ports.release()
        if self._holds_lock:
            self._lock.release()
            self._holds_lock = False

    def serve(self) -> None:
        """Block until `stop` is called in another thread or a signal raises in this one."""
        self.stop_event.wait()

    def url(self, service: str) -> str:
        """Return the address of a service."""
        return self._where[service].url

    @property
    def token(self) -> str:
        """Return the bearer token that every service of the stack accepts with all scopes."""
        return self.layout.read_token()

    @property
    def database_url(self) -> str:
        """Return the address of the running database as its owner."""
        if self._database is None:
            raise StackError("The stack has no database yet; call start() first.")
        return self._database.url

    @property
    def states(self) -> list[ServiceState]:
        """Return the state of the database and of each service."""
        return self._supervisor.states() if self._supervisor is not None else []

    @property
    def peak_memory_mb(self) -> float:
        """Return the largest memory of the stack so far, this process included, in MB of 2**20 bytes."""
        return self._supervisor.peak_memory_bytes / 2**20 if self._supervisor is not None else 0.0

    def _start(self) -> None:
        for name in stale_processes.stop(self.layout.run):
            self.say(name, "was left running by an earlier `seatrial up` and has been stopped")
        services.check_installed(self._plan.services)
        self._check_settings()
        services.check_ports(self._plan.services, self._where)
        self._held_ports.hold(self._plan.services, self._where)
        urls = [address.url for address in self._where.values()]
        # After the ports are held: clients send the token to these addresses while this process lives.
        record.write(self.layout.run, record.ProcessLabel(SUPERVISOR, urls=urls), os.getpid())
        self._database = database.choose(
            self.layout, self._inherited, self._plan.postgres_settings, self._plan.fresh_database, self.stop_event
        )
        self.say("postgres", "starting")
        self._database.start()
        self.say("postgres", "ready")
        direct = database.direct_url(self._inherited, self._database.url)
        database.migrate(self._plan.migration, direct, self._inherited, self._database.role_passwords())
        self.say("postgres", "schema is up to date")
        self._supervisor = self._supervise(self._database)
        self._supervisor.start()

    def _check_settings(self) -> None:
        environment = self._environment()
        environments = [
            (service, environment.for_service(service, settings_check.DATABASE)) for service in self._plan.services
        ]
        complaints = [*self._complaints, *settings_check.refusals(environments, self.layout.root)]
        unknown = unknown_variables(self._inherited)
        if complaints:
            raise UsageError("\n".join((*complaints, *unknown)))
        for sentence in unknown:
            self.say("up", sentence)

    def _environment(self) -> StackEnvironment:
        return StackEnvironment(self._inherited, self._where, CallerTokens(self.token))

    def _supervise(self, running: StackDatabase) -> Supervisor:
        def say(part: str, message: str) -> None:
            self.say(part, message)  # looked up per message: the terminal's table replaces it after the start

        environment = self._environment()
        watches = [
            ServiceWatch(
                ServiceProcess(service, self._where[service.name], self.layout, self._held_ports), environment, say
            )
            for service in self._plan.services
        ]
        return Supervisor(DatabaseWatch(running, self.layout.run, say), watches, say, self.stop_event)

    def _take_lock(self) -> None:
        if not self._lock.take():
            raise AlreadyRunning(
                f"Seatrial is already running in {self.layout.root} (process {self._lock.holder()}). "
                "See `seatrial status`, stop it with `seatrial down`, or run `seatrial up` in another folder."
            )
        self._holds_lock = True
