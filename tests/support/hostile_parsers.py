"""Functions that a parser process calls in tests: they take memory or time, fail, or answer."""

import os
import resource
import signal
import time
from typing import BinaryIO, NoReturn

import numpy as np
from pydantic import BaseModel

from seatrial_core.errors import field_error


class Numbers(BaseModel):
    """A document of numbers."""

    numbers: list[int]


def size(body: BinaryIO, factor: int) -> int:
    """Return the size of the body times a factor."""
    return len(body.read()) * factor


def numbers(body: BinaryIO) -> object:
    """Return an array of the numbers of a document."""
    return np.array(Numbers.model_validate_json(body.read()).numbers)


def take_memory(body: BinaryIO, pieces: int) -> int:
    """Take 16 MiB for each piece."""
    return len([bytearray(16 << 20) for _ in range(pieces)]) + len(body.read())


def memory_limit(body: BinaryIO) -> int:
    """Return how many bytes of data the system lets this process have."""
    body.read()
    return resource.getrlimit(resource.RLIMIT_DATA)[0]


def take_time(body: BinaryIO, seconds: float) -> str:
    """Sleep, then return."""
    time.sleep(seconds)
    return f"{len(body.read())} bytes"


def refuse(body: BinaryIO) -> NoReturn:
    """Raise an error of ours."""
    raise field_error("timezone", body.read(5), "a zone")


def break_off(body: BinaryIO) -> None:
    """End the process as the system does when memory is short."""
    body.close()
    os.kill(os.getpid(), signal.SIGKILL)


def fail(body: BinaryIO) -> float:
    """Raise an error that a parser should not raise."""
    return 1 / len(body.read(0))


def variables(body: BinaryIO) -> list[str]:
    """Return the names of the environment's variables."""
    body.close()
    return sorted(os.environ)


def process_id(body: BinaryIO) -> int:
    """Return the id of the process."""
    body.close()
    return os.getpid()
