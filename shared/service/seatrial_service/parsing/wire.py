"""Messages between the service and a parser process: pickles with a length, and the descriptor of the body."""

import pickle
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seatrial_core.errors import FieldError

_LENGTH = struct.Struct("!Q")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class ParseTask:
    """A function to call with the body, named by its module, and its other arguments."""

    module: str
    function: str
    arguments: tuple[Any, ...]  # Any: of the function
    memory_bytes: int
    seconds: float


@dataclass(frozen=True)
class ParsedBody:
    """What the function returned."""

    value: Any  # Any: of the function


@dataclass(frozen=True)
class RefusedBody:
    """The error that the function raised, named by its module and class."""

    module: str
    error: str
    detail: str
    errors: tuple[FieldError, ...] = ()


@dataclass(frozen=True)
class ExhaustedMemory:
    """The function could not get the memory that it needed."""


@dataclass(frozen=True)
class FailedParser:
    """The function raised an error that it should not raise, with its traceback."""

    traceback: str


def send(connection: socket.socket, message: object) -> None:
    """Send a message."""
    content = pickle.dumps(message, protocol=5)
    connection.sendall(_LENGTH.pack(len(content)))
    connection.sendall(content)


def receive(read: Callable[[int], bytes], max_bytes: int) -> Any:  # Any: a message
    """Return the next message.

    Args:
        read: Returns up to so many bytes, none at the end.
        max_bytes: The limit of a message.

    Raises:
        EOFError: The other side ended.
        ValueError: The message is larger than the limit.
    """
    (length,) = _LENGTH.unpack(_read_exactly(read, _LENGTH.size))
    if length > max_bytes:
        raise ValueError(f"a message of {length} bytes")
    # Only our own code writes to this socket, which has no name that another process could open.
    return pickle.loads(_read_exactly(read, length))  # nosec B301 # only our own code writes to the socket


def _read_exactly(read: Callable[[int], bytes], length: int) -> bytearray:
    content = bytearray()
    while len(content) < length:
        part = read(min(_CHUNK, length - len(content)))
        if not part:
            raise EOFError("the other side ended")
        content += part
    return content
