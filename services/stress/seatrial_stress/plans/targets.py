"""Where load may go: this machine, and what the operator named."""

import os
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from seatrial_core.errors import Forbidden, field_error
from seatrial_service.settings import is_loopback

VARIABLE = "SEATRIAL_STRESS_TARGETS"


def named_in(text: str) -> tuple[str, ...]:
    """Return the origins of a comma-separated list."""
    return tuple(origin(each) for each in text.split(",") if each.strip())


def named_in_environment(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the origins that the operator allows beside this machine."""
    return named_in(environment.get(VARIABLE, ""))


def origin(url: str) -> str:
    """Return scheme, host and port of an address.

    Raises:
        ValidationFailed: It is no http:// or https:// address, or carries more than an origin.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise field_error("target", url[:200], f"an http:// address ({error})") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise field_error("target", url[:200], "http://HOST:PORT or https://HOST:PORT, without user or query")
    if parts.path.strip("/"):
        raise field_error("target", url[:200], "http://HOST:PORT, without a path")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def allowed(url: str, named: Collection[str]) -> str:
    """Return the origin of an address that load may go to.

    Args:
        url: The engine's address.
        named: The origins that the operator allows beside this machine.

    Raises:
        Forbidden: The address is neither on this machine nor named.
    """
    found = origin(url)
    host = urlsplit(found).hostname or ""
    if is_loopback(host) or found in {origin(each) for each in named}:
        return found
    raise Forbidden(
        f"load may not go to {found}: it is neither on this machine nor in {VARIABLE} ({', '.join(named) or 'empty'})"
    )
