"""The parser process: `python -m seatrial_service.parsing.child DESCRIPTOR MODULE...`; reads one body after another."""

import importlib
import os
import resource
import signal
import socket
import sys
import traceback
from typing import BinaryIO, NoReturn

from pydantic import ValidationError

from seatrial_core.errors import SeatrialError
from seatrial_service.parsing import wire
from seatrial_service.parsing.refusals import validation_failed

MAX_ERRORS = 100
MAX_TASK_BYTES = 64 << 20
NICENESS = 10  # the service's event loop goes first


def main() -> NoReturn:
    """Serve until the service closes the connection."""
    descriptor, *modules = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the service ends this process
    os.nice(NICENESS)
    for module in modules:
        importlib.import_module(module)
    connection = socket.socket(fileno=int(descriptor))
    connection.sendall(b".")
    while True:
        _, descriptors, _, _ = socket.recv_fds(connection, 1, 1)
        if not descriptors:
            sys.exit(0)
        with os.fdopen(descriptors[0], "rb") as body:
            task = wire.receive(connection.recv, MAX_TASK_BYTES)
            signal.setitimer(signal.ITIMER_REAL, task.seconds + 1)  # ends this process if the service is gone
            answer = _answer(task, body)
            signal.setitimer(signal.ITIMER_REAL, 0)
        wire.send(connection, answer)


def _answer(task: wire.ParseTask, body: BinaryIO) -> object:
    try:
        _limit_memory(task.memory_bytes)
        function = getattr(importlib.import_module(task.module), task.function)
        body.seek(0)
        return wire.ParsedBody(function(body, *task.arguments))
    except MemoryError:
        return wire.ExhaustedMemory()
    except SeatrialError as error:
        return _refusal(error)
    except ValidationError as error:
        return _refusal(validation_failed(error))
    except Exception:
        return wire.FailedParser(traceback.format_exc())


def _refusal(error: SeatrialError) -> wire.RefusedBody:
    kind = type(error)
    return wire.RefusedBody(kind.__module__, kind.__qualname__, error.detail, error.errors[:MAX_ERRORS])


def _limit_memory(limit: int) -> None:
    # RLIMIT_AS would count libraries and address space that is never used; DATA counts what is allocated (Linux).
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
