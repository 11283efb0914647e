"""The origins that may be loaded: this machine, and those the operator allows."""

import os
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from seatrial_core.errors import Forbidden, field_error
from seatrial_service.settings import is_loopback

VARIABLE = "SEATRIAL_STRESS_TARGETS"


def parse_origins(text: str) -> tuple[str, ...]:
    """Return the origins of a comma-separated list.

    Raises:
        ValidationFailed: An item is not an origin.
    """
    return tuple(origin(item) for item in text.split(",") if item.strip())


def allowed_in_environment(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the origins that SEATRIAL_STRESS_TARGETS allows in addition to this machine."""
    return parse_origins(environment.get(VARIABLE, ""))


def origin(url: str) -> str:
    """Return scheme, host and port of an address.

    Raises:
        ValidationFailed: It is not an http:// or https:// address, or contains more than an origin.
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


def require_allowed(url: str, allowed: Collection[str]) -> str:
    """Return the origin of an address that may be loaded.

    Args:
        url: The engine's address.
        allowed: The origins that the operator allows in addition to this machine.

    Raises:
        Forbidden: The address is neither on this machine nor allowed.
        ValidationFailed: It is not an http:// or https:// origin.
    """
    target = origin(url)
    host = urlsplit(target).hostname or ""
    if is_loopback(host) or target in {origin(item) for item in allowed}:
        return target
    raise Forbidden(
        f"{target} may not be loaded: it is neither on this machine nor in {VARIABLE} ({', '.join(allowed) or 'empty'})"
    )
