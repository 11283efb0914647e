"""The state of a stack seen from outside, by its run folder and its health answers."""

from seatrial.stack import services
from seatrial.stack.layout import Layout
from seatrial.stack.processes import record
from seatrial.stack.processes.process import answers_ready
from seatrial.stack.processes.supervisor import State, Status
from seatrial.stack.stack import SUPERVISOR


def states(layout: Layout) -> list[State]:
    """Return the state of every recorded part; an empty list when nothing was started."""
    order = ["postgres", *(service.name for service in services.SERVICES)]
    noted = [found for found in record.read_all(layout.run) if found.service != SUPERVISOR]
    noted.sort(key=lambda found: order.index(found.service) if found.service in order else len(order))
    return [_state(found) for found in noted]


def _state(noted: record.Record) -> State:
    alive = noted.process is not None
    if not alive:
        status = Status.STOPPED
    elif noted.service == "postgres" or (noted.port is not None and answers_ready("127.0.0.1", noted.port)):
        status = Status.READY
    else:
        status = Status.NOT_READY
    return State(noted.service, status, noted.pid if alive else None, noted.port, noted.restarts)
