"""Listening sockets that a parent process passes to a child as inherited descriptors, named in one variable."""

import os
import socket
from collections.abc import Collection, Mapping, MutableMapping

# `9999=5,6;8089=7`: the descriptors of each port.
VARIABLE = "SEATRIAL_LISTEN_DESCRIPTORS"


def describe(sockets: Mapping[int, Collection[socket.socket]]) -> str:
    """Return the value of the variable for sockets by port."""
    return ";".join(
        f"{port}={','.join(str(listener.fileno()) for listener in group)}" for port, group in sockets.items()
    )


def take(environment: MutableMapping[str, str] = os.environ) -> dict[int, list[socket.socket]]:
    """Return the sockets that this process inherited, by port; the variable is removed, so a second call returns none.

    Raises:
        ValueError: The variable names something that is not a listening socket of that port.
    """
    text = environment.pop(VARIABLE, "")
    inherited: dict[int, list[socket.socket]] = {}
    for entry in filter(None, text.split(";")):
        port, _, descriptors = entry.partition("=")
        if not port.isdigit() or not all(item.isdigit() for item in descriptors.split(",")):
            raise ValueError(f"{VARIABLE} must be PORT=DESCRIPTOR,...;..., was {text!r}")
        inherited[int(port)] = [_opened(int(item), int(port)) for item in descriptors.split(",")]
    return inherited


def _opened(descriptor: int, port: int) -> socket.socket:
    try:
        listener = socket.socket(fileno=descriptor)
        bound_to = listener.getsockname()[1]
    except OSError as error:
        raise ValueError(f"{VARIABLE} names descriptor {descriptor}, which is not a socket: {error.strerror}") from None
    if bound_to != port:
        listener.close()
        raise ValueError(f"{VARIABLE} names descriptor {descriptor} for port {port}, but it is bound to {bound_to}")
    listener.set_inheritable(False)
    return listener
