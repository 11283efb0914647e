"""Checks the readiness of the service in this container: `python -m seatrial_service.healthcheck`."""

import os
import sys

import httpx

from seatrial_core.clients import PORTS

TIMEOUT_SECONDS = 2.5


def main() -> int:
    """Return 0 if the service named by SERVICE is ready, else write the reason and return 1."""
    service = os.environ.get("SERVICE", "")
    port = os.environ.get(f"SEATRIAL_{service.upper()}_PORT") or PORTS.get(service)
    if port is None:
        sys.stderr.write(f"SERVICE is {service!r}; it must be one of {', '.join(sorted(PORTS))}\n")
        return 1
    try:
        response = httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=TIMEOUT_SECONDS, trust_env=False)
    except httpx.HTTPError as error:
        sys.stderr.write(f"{service}: {error}\n")
        return 1
    return 0 if response.status_code == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
