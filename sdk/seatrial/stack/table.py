"""The status table that `up` and `status` show."""

from collections import deque
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from seatrial.stack.processes.service_state import ServiceState, ServiceStatus
from seatrial.stack.stack import Stack

COLOURS = {
    ServiceStatus.READY: "green",
    ServiceStatus.STARTING: "yellow",
    ServiceStatus.NOT_READY: "yellow",
    ServiceStatus.WAITING: "red",
    ServiceStatus.STOPPED: "red",
}
KEPT_SENTENCES = 6


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
            str(state.port or "-"),
            str(state.restarts),
            state.note,
        )
    return table


class LiveStatus:
    """The table of a running stack with the latest sentences below it, drawn anew on every refresh."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._said: deque[str] = deque(maxlen=KEPT_SENTENCES)

    def hear(self, service: str, sentence: str) -> None:
        """Remember a sentence of the supervisor."""
        self._said.append(f"{service}: {sentence}")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the present state."""
        sentences = [Text(sentence, style="dim") for sentence in list(self._said)]
        yield Group(
            of_states(self._stack.states, self._stack.layout.root), *sentences, Text("Ctrl-C stops everything.")
        )
