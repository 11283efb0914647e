"""Prints .env.example from the services' Settings classes: `python scripts/env_example.py > .env.example`."""

import sys

from pydantic.fields import FieldInfo

from seatrial_alerts.settings import AlertsSettings
from seatrial_backtest.settings import BacktestSettings
from seatrial_engine.settings import EngineSettings
from seatrial_metrics.settings import MetricsSettings
from seatrial_service.settings import ServiceSettings, variables
from seatrial_stress.settings import StressSettings

SERVICES: tuple[type[ServiceSettings], ...] = (
    MetricsSettings,
    AlertsSettings,
    BacktestSettings,
    EngineSettings,
    StressSettings,
)
HEAD = """\
# Every setting with its default. Generated from the Settings classes by scripts/env_example.py; a test compares them.
# Lines are commented out: a setting without a value has its default. No program reads this file; `make env` writes .env
# for containers with random secrets.
"""
CLIENT_SETTINGS = """\

# --- clients, the SDK and `seatrial` ---
# The token to call with; absent: the nearest .seatrial/token upwards, which is only sent while the stack of its folder
# runs, then the one in your home's .config/seatrial.
# SEATRIAL_TOKEN=
# Address of a service, for each of METRICS, ALERTS, BACKTEST, ENGINE (the default is its port on this machine).
# SEATRIAL_BACKTEST_URL=http://127.0.0.1:8001
# SEATRIAL_ALERTS_URL=http://127.0.0.1:8002

# --- the stack on a laptop ---
# The embedded PostgreSQL: a TCP port of 127.0.0.1 (absent: only a Unix socket, which no other account can open; with a
# port, other accounts can take all connections) and the folder of its programs (absent: searched for).
# SEATRIAL_POSTGRES_PORT=
# SEATRIAL_POSTGRES_BIN=
# Names, separated by commas, of variables that `seatrial up` passes to the services besides Seatrial's settings, such
# as those that a strategy of yours reads.
# SEATRIAL_PASS_VARIABLES=
# Where compiled code is kept (absent: the user's cache folder).
# SEATRIAL_NUMBA_CACHE_DIR=
"""


def lines(name: str, field: FieldInfo) -> str:
    """Return a setting's meaning and its commented-out assignment."""
    return f"# {field.description}\n# {name}={default(field)}"


def default(field: FieldInfo) -> str:
    """Return the default of a setting as an environment variable's value."""
    value = field.default
    return "" if value in (None, "") else str(int(value)) if isinstance(value, bool) else str(value)


def text() -> str:
    """Return the whole file."""
    shared = variables(ServiceSettings)
    common = {name: field for name, field in shared.items() if name not in {"SEATRIAL_HOST", "SEATRIAL_PORT"}}
    common.pop("SEATRIAL_LOG_LEVEL", None)
    parts = [HEAD, "# --- all services ---"]
    parts += [lines(name, field) for name, field in common.items()]
    listed = set(common)
    for settings in SERVICES:
        service = str(settings.model_config["env_prefix"]).removeprefix("SEATRIAL_").rstrip("_").lower()
        parts.append(f"\n# --- {service} ---")
        parts += [lines(name, field) for name, field in variables(settings).items() if name not in listed]
        listed |= set(variables(settings))
    return "\n".join(parts) + "\n" + CLIENT_SETTINGS


if __name__ == "__main__":
    sys.stdout.write(text())
