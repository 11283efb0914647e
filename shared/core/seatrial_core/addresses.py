"""Classifies the addresses of services: loopback, internal, and the origin that a token belongs to."""

import ipaddress
from urllib.parse import urlsplit

LOOPBACK_ORIGIN_HOST = "127.0.0.1"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_INTERNAL_SUFFIXES = (".localhost", ".local", ".internal", ".svc", ".cluster.local")


def is_loopback_host(host: str) -> bool:
    """Return whether a host name or address can only mean this machine."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def is_internal_host(host: str) -> bool:
    """Return whether a host is this machine or a name of the local network, such as `engine` in Compose."""
    name = host.strip("[]").rstrip(".").lower()
    return (
        is_loopback_host(name)
        or (bool(name) and "." not in name and ":" not in name)
        or (name.endswith(_INTERNAL_SUFFIXES))
    )


def is_loopback_url(url: str) -> bool:
    """Return whether an address can only mean this machine."""
    try:
        return is_loopback_host(urlsplit(url).hostname or "")
    except ValueError:
        return False


def origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of an http or https address, or None if it is not one.

    All names of the loopback interface are one host.
    """
    try:
        parts = urlsplit(url.strip())
        scheme, host, port = parts.scheme.lower(), (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if scheme not in _DEFAULT_PORTS or not host:
        return None
    return (
        scheme,
        LOOPBACK_ORIGIN_HOST if is_loopback_host(host) else host,
        port if port is not None else _DEFAULT_PORTS[scheme],
    )
