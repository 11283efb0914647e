"""Writes the settings of each service into docker-compose.yml: `python scripts/container_settings.py`, or `make docs`.

A variable without a value in `environment` is passed on if the shell or `.env` sets it, and is absent otherwise, so
that defaults stay in the code. Each service lists its own settings only. A test compares what a container receives in
compose and in Kubernetes with every field of the Settings classes.
"""

import re
import sys
from pathlib import Path

import yaml
from env_example import SERVICES

from seatrial_core.clients import PORTS
from seatrial_service.settings import ServiceSettings, variables

COMPOSE = Path(__file__).resolve().parents[1] / "docker-compose.yml"
MARKED = re.compile(r"( *)# generated: settings of (\w+)[^\n]*\n.*?# end: settings of \2\n", re.DOTALL)
NOTE = "passed on if .env sets them"

_ADDRESS = "where a service is inside the stack's network is not up to a setting"
_PUBLISHED = "peers and probes call a container on the default port; the variable moves the published port"
# Settings whose value in a container is fixed, with the reason.
FIXED = {
    "SEATRIAL_STOP_WITH_PARENT": "a container has no parent process; the engine stops it with SIGTERM",
    **{f"SEATRIAL_{service.upper()}_URL": _ADDRESS for service in PORTS if service != "console"},
    **{f"SEATRIAL_{service.upper()}_PORT": _PUBLISHED for service in PORTS},
    **{
        f"SEATRIAL_{service.upper()}_HOST": "a container is reached from outside, so it listens on all its addresses"
        for service in PORTS
    },
    "MONITORING_PORT": _PUBLISHED,
    "SEATRIAL_STRESS_UI_PORT": _PUBLISHED,
}
# Further settings that compose fixes: it brings its own database, whose password it knows.
FIXED_IN_COMPOSE = {
    **FIXED,
    "SEATRIAL_TOKEN": "each caller has its own token, which `make env` writes; this one is the operator's",
    "SEATRIAL_DATABASE_URL": "compose runs its own PostgreSQL, and only the migration step is its owner",
    **{
        f"SEATRIAL_{service.upper()}_DATABASE_URL": "compose runs its own PostgreSQL, with a role for each service"
        for service in PORTS
        if service != "console"
    },
    "SEATRIAL_DATABASE_DIRECT_URL": "there is no pooler in front of the database of compose",
}


def service_settings() -> dict[str, type[ServiceSettings]]:
    """Return the Settings class of each service."""
    prefix = "SEATRIAL_"
    return {str(cls.model_config["env_prefix"]).removeprefix(prefix).rstrip("_").lower(): cls for cls in SERVICES}


def text(compose: str) -> str:
    """Return docker-compose.yml with its generated parts regenerated."""
    services = yaml.safe_load(MARKED.sub("", compose))["services"]
    written_out = {name: set(services[name]["environment"]) for name in service_settings()}

    def block(match: re.Match[str]) -> str:
        indent, service = match[1], match[2]
        fields = variables(service_settings()[service])
        names = [name for name in fields if name not in FIXED_IN_COMPOSE and name not in written_out[service]]
        lines = [f"# generated: settings of {service}, {NOTE}", *(f"{name}:" for name in sorted(names))]
        return "".join(f"{indent}{line}\n" for line in [*lines, f"# end: settings of {service}"])

    return MARKED.sub(block, compose)


def main() -> int:
    """Rewrite docker-compose.yml."""
    COMPOSE.write_text(text(COMPOSE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{COMPOSE.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
