"""The state of one part of the stack, as the status table shows it, and the listener of its changes."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

# Receives the name of a part and a message.
Listener = Callable[[str, str], None]


class ServiceStatus(StrEnum):
    """The status of a service or of the database."""

    STARTING = "starting"
    READY = "ready"
    NOT_READY = "not ready"
    WAITING = "restarting"
    STOPPED = "stopped"


@dataclass(frozen=True)
class ServiceState:
    """One line of the status table."""

    service: str
    status: ServiceStatus
    pid: int | None
    port: int | None
    restarts: int
    note: str = ""
