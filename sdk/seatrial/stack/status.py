"""The state of a stack as another process sees it: its run folder and health checks."""

from seatrial.stack import services
from seatrial.stack.layout import Layout
from seatrial.stack.processes import record
from seatrial.stack.processes.readiness import answers_ready
from seatrial.stack.processes.service_state import ServiceState, ServiceStatus
from seatrial.stack.stack import SUPERVISOR


def states(layout: Layout) -> list[ServiceState]:
    """Return the state of every recorded part; an empty list when nothing was started."""
    order = ["postgres", *(service.name for service in services.SERVICES)]
    records = [entry for entry in record.read_all(layout.run) if entry.service != SUPERVISOR]
    records.sort(key=lambda entry: order.index(entry.service) if entry.service in order else len(order))
    return [_state(entry) for entry in records]


def _state(entry: record.ProcessRecord) -> ServiceState:
    alive = entry.process is not None
    if not alive:
        status = ServiceStatus.STOPPED
    elif entry.service == "postgres" or (entry.port is not None and answers_ready("127.0.0.1", entry.port)):
        status = ServiceStatus.READY
    else:
        status = ServiceStatus.NOT_READY
    return ServiceState(entry.service, status, entry.pid if alive else None, entry.port, entry.restarts)
