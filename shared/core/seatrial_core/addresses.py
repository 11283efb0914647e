"""Classifies the addresses of services: loopback, internal, and the origin that a token belongs to."""

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

LOOPBACK_ORIGIN_HOST = "127.0.0.1"
MAX_URL = 2_000
_DEFAULT_PORTS = {"http": 80, "https": 443}
_INTERNAL_SUFFIXES = (".localhost", ".local", ".internal", ".svc", ".cluster.local")
# Parsers disagree about everything else, such as a backslash, a tab or a second `@`.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(?P<port>[0-9]{0,5}))?(?P<path>/[^?#\\]*)?",
    re.IGNORECASE | re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# What a resolver reads as a number: `127.1`, `0x7f000001` and `0177.0.0.1` are addresses to it.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class Origin(NamedTuple):
    """The canonical form of scheme, host and port: two addresses of one origin have equal ones."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}")


def canonical_host(host: str) -> str:
    """Return a host name or address in its one canonical form: lower case, no final dot, the shortest IPv6 form.

    Raises:
        ValueError: It is not a host, or an address in a form that only some programs read, such as `127.1`.
    """
    name = host.lower()
    if not name.isascii():
        raise ValueError("a host name has only ASCII letters; write an international one as xn--...")
    if name.startswith("[") or ":" in name:
        address = ipaddress.IPv6Address(name.removeprefix("[").removesuffix("]"))
        if address.scope_id is not None:
            raise ValueError("an IPv6 address has no zone here")
        return str(address.ipv4_mapped or address)
    name = name.removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return str(ipaddress.IPv4Address(name))
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("a host name has letters, digits, `-` and `_` between its dots")
    return name


def parse_origin(url: str) -> tuple[Origin, str]:
    """Return the origin of an http or https address, and its path.

    Raises:
        ValueError: It is not such an address, contains more than origin and path, or can be read in two ways.
    """
    text = url.strip(" ")
    if len(text) > MAX_URL or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"it must be at most {MAX_URL:,} printable ASCII characters without a space")
    match = _URL.fullmatch(text)
    if match is None:
        raise ValueError("it must be http://HOST:PORT or https://HOST:PORT, without user, query or fragment")
    scheme = match["scheme"].lower()
    port = int(match["port"]) if match["port"] else _DEFAULT_PORTS[scheme]
    if not 1 <= port <= 65_535:
        raise ValueError("the port must be from 1 to 65535")
    return Origin(scheme, canonical_host(match["host"]), port), match["path"] or ""


def is_own_host(host: str) -> bool:
    """Return whether a host is `localhost` or an address of the loopback interface."""
    try:
        name = canonical_host(host)
    except ValueError:
        return False
    return name == "localhost" or _is_loopback_address(name)


def is_loopback_host(host: str) -> bool:
    """Return whether a host name or address can only mean this machine, names under `.localhost` included."""
    name = host.strip("[]").rstrip(".").lower().partition("%")[0]
    return name.endswith(".localhost") or is_own_host(name)


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


def origin(url: str) -> Origin | None:
    """Return the origin of an http or https address, or None if it is not one.

    `localhost` is 127.0.0.1; other addresses of the loopback interface are hosts of their own, because another account
    may listen on them.
    """
    try:
        address, _ = parse_origin(url)
    except ValueError:
        return None
    return address._replace(host=LOOPBACK_ORIGIN_HOST) if address.host == "localhost" else address


def connectable(url: str) -> str:
    """Return an http address with `localhost` as 127.0.0.1, where services listen; a resolver may say ::1 first.

    An https address keeps its name, which its certificate is checked for.
    """
    try:
        parts = urlsplit(url)
        is_local = (
            parts.scheme == "http" and (parts.hostname or "").rstrip(".") == "localhost" and "@" not in parts.netloc
        )
        port = f":{parts.port}" if is_local and parts.port is not None else ""
    except ValueError:
        return url
    return parts._replace(netloc=f"{LOOPBACK_ORIGIN_HOST}{port}").geturl() if is_local else url


def _is_loopback_address(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
