"""TCP ports of this machine: find a free one, check whether one is in use."""

import socket

LOOPBACK = "127.0.0.1"
LOOPBACK_IPV6 = "::1"
ALL_IPV4 = "0.0.0.0"  # nosec B104 # compared; nothing binds to it


def free(host: str = LOOPBACK) -> int:
    """Return a port that is free now; another process may take it before its use, so callers retry."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Return whether a server could listen on `port` of `host`."""
    if _answers(port, host):  # macOS allows binding 127.0.0.1 while another program listens on all addresses
        return False
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # as servers do: a port whose last connections only linger in TIME_WAIT counts as free
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def reachable_host(host: str) -> str:
    """Return the address at which a server that listens on `host` is reached from this machine."""
    return {ALL_IPV4: LOOPBACK, "::": "::1"}.get(host, host)


def holder(port: int) -> str:
    """Return the name of the process that listens on a port, if the system permits it."""
    import psutil

    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status != psutil.CONN_LISTEN or not connection.pid or not connection.laddr:
                continue
            if connection.laddr[1] == port:
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except (psutil.Error, OSError):
        pass
    return "another program"


def _answers(port: int, host: str) -> bool:
    try:
        with socket.create_connection((reachable_host(host), port), timeout=0.5):
            return True
    except OSError:
        return False
