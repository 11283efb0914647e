"""The state of a stack seen from outside, by its run folder and its health answers."""

from seatrial.stack import services
from seatrial.stack.layout import Layout
from seatrial.stack.processes import record
from seatrial.stack.processes.process import answers_ready
from seatrial.stack.processes.service_state import ServiceState, ServiceStatus
from seatrial.stack.stack import SUPERVISOR


def states(layout: Layout) -> list[ServiceState]:
    """Return the state of every recorded part; an empty list when nothing was started."""
    order = ["postgres", *(service.name for service in services.SERVICES)]
    noted = [found for found in record.read_all(layout.run) if found.service != SUPERVISOR]
    noted.sort(key=lambda found: order.index(found.service) if found.service in order else len(order))
    return [_state(found) for found in noted]


def _state(noted: record.ProcessRecord) -> ServiceState:
    alive = noted.process is not None
    if not alive:
        status = ServiceStatus.STOPPED
    elif noted.service == "postgres" or (noted.port is not None and answers_ready("127.0.0.1", noted.port)):
        status = ServiceStatus.READY
    else:
        status = ServiceStatus.NOT_READY
    return ServiceState(noted.service, status, noted.pid if alive else None, noted.port, noted.restarts)
