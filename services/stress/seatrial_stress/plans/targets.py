"""The origins that may be loaded: this machine, and those the operator allows."""

import os
from collections.abc import Collection, Mapping

from seatrial_core.addresses import Origin, connectable, is_own_host, parse_origin
from seatrial_core.errors import Forbidden, field_error
from seatrial_core.redaction import redact_url

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
    """Return the canonical origin of an address.

    Raises:
        ValidationFailed: It is not an http:// or https:// address, or contains more than an origin.
    """
    return str(_parse(url))


def is_origin_of(target: str, url: str) -> bool:
    """Return whether a target is the origin of a configured address, which may have a path."""
    try:
        return _parse(target) == parse_origin(url)[0]
    except ValueError:
        return False


def require_allowed(url: str, allowed: Collection[str]) -> str:
    """Return the canonical origin of an address that may be loaded.

    Args:
        url: The engine's address.
        allowed: The origins that the operator allows in addition to this machine.

    Raises:
        Forbidden: The address is neither on this machine nor allowed.
        ValidationFailed: It is not an http:// or https:// origin.
    """
    target = _parse(url)
    if is_own_host(target.host) or target in {_parse(item) for item in allowed}:
        return connectable(str(target))
    raise Forbidden(
        f"{target} may not be loaded: it is neither on this machine nor in {VARIABLE} ({', '.join(allowed) or 'empty'})"
    )


def _parse(url: str) -> Origin:
    try:
        target, path = parse_origin(url)
    except ValueError as error:
        raise field_error(
            "target", redact_url(url[:200]), f"http://HOST:PORT or https://HOST:PORT ({error})"
        ) from error
    if path.strip("/"):
        raise field_error("target", redact_url(url[:200]), "http://HOST:PORT, without a path")
    return target
