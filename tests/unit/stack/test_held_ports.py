"""The sockets that a stack holds for its services: no other program gets their ports, and clients do not wait."""

import errno
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from tests.support.ports import free_port, free_ports, silent_listener

from seatrial.stack.errors import PortTaken
from seatrial.stack.processes.held_ports import HeldPorts
from seatrial.stack.services import ServiceAddress, ServiceSpec
from seatrial_core import listen_descriptors

SPEC = ServiceSpec("metrics", 0)
SERVE_ONCE = """
from seatrial_core import listen_descriptors
(group,) = listen_descriptors.take().values()
group[0].setblocking(True)
connection, _ = group[0].accept()
connection.sendall(b"the child")
connection.close()
"""


@pytest.fixture
def held_ports() -> Iterator[HeldPorts]:
    """Yield sockets that are closed at the end."""
    ports = HeldPorts()
    yield ports
    ports.release()


def bind_error(host: str, port: int, *options: int) -> int:
    """Return the error number of an attempt to listen on a port, 0 if it succeeds."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as squatter:
        for option in options:
            squatter.setsockopt(socket.SOL_SOCKET, option, 1)
        try:
            squatter.bind((host, port))
            squatter.listen()
        except OSError as error:
            return error.errno or -1
        return 0


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
@pytest.mark.parametrize("options", [(), (socket.SO_REUSEADDR,), (socket.SO_REUSEADDR, socket.SO_REUSEPORT)])
def test_a_held_port_cannot_be_taken(held_ports: HeldPorts, host: str, options: tuple[int, ...]) -> None:
    port = free_port()
    held_ports.hold([SPEC], {"metrics": ServiceAddress("127.0.0.1", port)})

    assert bind_error(host, port, *options) in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def test_further_ports_are_held_too(held_ports: HeldPorts) -> None:
    port, page, none = *free_ports(2), 0
    further = (("SEATRIAL_METRICS_PAGE_PORT", page), ("SEATRIAL_METRICS_OTHER_PORT", none))
    held_ports.hold([SPEC], {"metrics": ServiceAddress("127.0.0.1", port, further)})

    assert bind_error("127.0.0.1", page, socket.SO_REUSEADDR) == errno.EADDRINUSE
    assert set(held_ports.of("metrics")) == {port, page}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_taken_port_is_named_and_nothing_is_held(held_ports: HeldPorts, host: str) -> None:
    first = free_port()
    specs = [ServiceSpec("first", 0), ServiceSpec("second", 0)]
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        host = "127.0.0.1"  # a machine without IPv6
    if host == "::1":
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
        port = int(listener.getsockname()[1])
    else:
        listener = socket.create_server(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    with listener, pytest.raises(PortTaken, match=f"Port {port} of second is taken.*SEATRIAL_SECOND_PORT"):
        held_ports.hold(
            specs, {"first": ServiceAddress("127.0.0.1", first), "second": ServiceAddress("127.0.0.1", port)}
        )

    assert bind_error("127.0.0.1", first, socket.SO_REUSEADDR) == 0


def test_connections_to_a_service_without_a_process_are_reset_soon(held_ports: HeldPorts) -> None:
    port = free_port()
    held_ports.hold([SPEC], {"metrics": ServiceAddress("127.0.0.1", port)})

    with socket.create_connection(("127.0.0.1", port), timeout=5) as client, pytest.raises(ConnectionResetError):
        client.recv(1)


def test_a_connection_waits_for_a_process_that_starts(held_ports: HeldPorts) -> None:
    port = free_port()
    held_ports.hold([SPEC], {"metrics": ServiceAddress("127.0.0.1", port)})
    held_ports.set_running("metrics", is_running=True)
    sockets = held_ports.of("metrics")
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        child = subprocess.Popen(
            [sys.executable, "-c", SERVE_ONCE],
            env={listen_descriptors.VARIABLE: listen_descriptors.describe(sockets)},
            pass_fds=[listener.fileno() for group in sockets.values() for listener in group],
        )
        answer = client.recv(100)

    assert answer == b"the child"
    assert child.wait(timeout=20) == 0


def test_the_thread_ends_with_the_stack(held_ports: HeldPorts) -> None:
    earlier = set(threading.enumerate())  # other tests of this process may have a stack
    held_ports.hold([SPEC], {"metrics": ServiceAddress("127.0.0.1", free_port())})
    during = set(threading.enumerate()) - earlier
    held_ports.release()

    assert [thread.name for thread in during] == ["held-ports"]
    assert not during & set(threading.enumerate())


@pytest.mark.parametrize("text", ["9999", "9999=x", "http=1", "9999=999999"])
def test_descriptors_that_are_no_sockets_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=listen_descriptors.VARIABLE):
        listen_descriptors.take({listen_descriptors.VARIABLE: text})


def test_a_descriptor_of_another_port_is_refused() -> None:
    with silent_listener() as (port, listener), pytest.raises(ValueError, match=f"bound to {port}"):
        listen_descriptors.take({listen_descriptors.VARIABLE: f"1={listener.dup().detach()}"})


def test_descriptors_are_taken_once() -> None:
    with silent_listener() as (port, listener):
        environment = {listen_descriptors.VARIABLE: f"{port}={listener.dup().detach()}"}
        taken = listen_descriptors.take(environment)

        assert [listener.getsockname()[1] for listener in taken[port]] == [port]
        assert not taken[port][0].get_inheritable()
        assert listen_descriptors.take(environment) == {}
        taken[port][0].close()
