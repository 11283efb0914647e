"""The status table that `up` and `status` show."""

from collections import deque
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from seatrial.stack.processes.database_watch import PART
from seatrial.stack.processes.service_state import ServiceState, ServiceStatus
from seatrial.stack.stack import Stack
from seatrial_core.redaction import redact

COLOURS = {
    ServiceStatus.READY: "green",
    ServiceStatus.STARTING: "yellow",
    ServiceStatus.NOT_READY: "yellow",
    ServiceStatus.WAITING: "red",
    ServiceStatus.STOPPED: "red",
}
MAX_MESSAGES = 6


def of_states(states: Iterable[ServiceState], root: object) -> Table:
    """Return the table of a stack's parts."""
    table = Table(title=f"Seatrial in {root}", title_justify="left")
    for name, justify in (
        ("part", "left"),
        ("state", "left"),
        ("pid", "right"),
        ("port", "right"),
        ("restarts", "right"),
    ):
        table.add_column(name, justify="right" if justify == "right" else "left")
    table.add_column("note", overflow="fold")
    for state in states:
        table.add_row(
            state.service,
            Text(state.status.value, style=COLOURS[state.status]),
            str(state.pid or "-"),
            _port(state),
            str(state.restarts),
            redact(state.note),
        )
    return table


def _port(state: ServiceState) -> str:
    if state.service == PART and state.port is None and state.pid is not None:
        return "socket"
    return str(state.port or "-")


class LiveStatus:
    """The table of a running stack with the latest messages below it; rendered on every refresh."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._messages: deque[str] = deque(maxlen=MAX_MESSAGES)

    def add_message(self, service: str, message: str) -> None:
        """Add a message of the supervisor."""
        self._messages.append(redact(f"{service}: {message}"))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render the current state."""
        lines = [Text(message, style="dim") for message in list(self._messages)]
        yield Group(of_states(self._stack.states, self._stack.layout.root), *lines, Text("Ctrl-C stops everything."))
