"""The options of a monitor: from its arguments, else the user's config, else the environment, else the defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, TypeAdapter, ValidationError

from seatrial_core import alerting
from seatrial_core.notifications import checked_webhook_url

T = TypeVar("T")

DEFAULT_PORT = 9999
DEFAULT_INTERVAL_SECONDS = 30.0
PORT = TypeAdapter(Annotated[int, Field(ge=1, le=65_535)])
INTERVAL = TypeAdapter(Annotated[float, Field(gt=0, le=86_400)])
AMOUNT = TypeAdapter(Annotated[float, Field(allow_inf_nan=False)])


@dataclass(frozen=True)
class MonitorOptions:
    """The checked options of one monitor.

    Args:
        port: The port of the metrics page or of the metrics service, 1 to 65535.
        interval_seconds: Time between two readings, above 0 and up to a day.
        thresholds: The five thresholds, with the names and units of the guide.
        webhook_url: Where alerts are posted; empty for nowhere.
        webhook_secret: Signs alerts; empty leaves them unsigned.
        initial_balance: The balance of the account at its start; None if unknown.
        account: The account's name on events.
        environment: live, paper, replay or stress.
        currency: The currency of the account.
        session_zone: The IANA time zone in which its days begin.
    """

    port: int
    interval_seconds: float
    thresholds: Mapping[str, float]
    webhook_url: str = ""
    webhook_secret: str = field(default="", repr=False)
    initial_balance: float | None = None
    account: str = "default"
    environment: str = "live"
    currency: str = "USD"
    session_zone: str = "UTC"


def read(
    config: object,
    *,
    port: int | None = None,
    interval: float | None = None,
    alert_thresholds: Mapping[str, float] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> MonitorOptions:
    """Return the options of a monitor.

    Args:
        config: The user's config: any object or mapping. Of it are read, where they exist, `monitoring_port`,
            `metrics_update_interval`, `alert_webhook_url`, `alert_webhook_secret`, `alert_thresholds`,
            `initial_balance`, `account`, `environment`, `currency` and `session_zone`.
        port: Overrides the config.
        interval: In seconds; overrides the config.
        alert_thresholds: Overrides single thresholds of the config.
        environment: The variables MONITORING_PORT, METRICS_UPDATE_INTERVAL, ALERT_WEBHOOK_URL, ALERT_WEBHOOK_SECRET,
            INITIAL_BALANCE, SEATRIAL_ENVIRONMENT, SEATRIAL_CURRENCY and SEATRIAL_SESSION_ZONE.

    Raises:
        ValueError: An option is not allowed; the message names it.
    """
    return MonitorOptions(
        port=_port(port, _attribute(config, "monitoring_port"), environment),
        interval_seconds=_interval(interval, _attribute(config, "metrics_update_interval"), environment),
        thresholds=thresholds(_attribute(config, "alert_thresholds"), alert_thresholds),
        webhook_url=_webhook_url(_attribute(config, "alert_webhook_url"), environment),
        webhook_secret=str(_attribute(config, "alert_webhook_secret") or environment.get("ALERT_WEBHOOK_SECRET") or ""),
        initial_balance=_initial_balance(_attribute(config, "initial_balance"), environment),
        account=_text(_attribute(config, "account"), "default"),
        environment=_text(_attribute(config, "environment"), environment.get("SEATRIAL_ENVIRONMENT") or "live"),
        currency=_text(_attribute(config, "currency"), environment.get("SEATRIAL_CURRENCY") or "USD"),
        session_zone=_zone(_attribute(config, "session_zone") or environment.get("SEATRIAL_SESSION_ZONE") or "UTC"),
    )


def thresholds(*layers: object) -> dict[str, float]:
    """Return the five thresholds with the overrides of each layer; a later layer overrides an earlier one.

    Raises:
        ValueError: A layer is no mapping, a name is not one of the five, or a value is out of range.
    """
    overrides: dict[str, float] = {}
    for layer in layers:
        if layer is None:
            continue
        if not isinstance(layer, Mapping):
            raise ValueError(f"alert_thresholds must be a mapping, was {layer!r}")
        overrides.update(layer)
    return alerting.thresholds(overrides)


def _attribute(config: object, name: str) -> object:
    value = config.get(name) if isinstance(config, Mapping) else getattr(config, name, None)
    return None if isinstance(value, EllipsisType) else value


def _port(argument: object, configured: object, environment: Mapping[str, str]) -> int:
    guide, ours = environment.get("MONITORING_PORT"), environment.get("SEATRIAL_METRICS_PORT")
    if guide and ours and guide != ours:
        raise ValueError(
            f"MONITORING_PORT={guide} and SEATRIAL_METRICS_PORT={ours} name one setting but differ; set one of them"
        )
    sources = {"port": argument, "monitoring_port": configured, "MONITORING_PORT": guide, "SEATRIAL_METRICS_PORT": ours}
    return _first(PORT, sources, "a port from 1 to 65535", DEFAULT_PORT)


def _interval(argument: object, configured: object, environment: Mapping[str, str]) -> float:
    sources = {
        "interval": argument,
        "metrics_update_interval": configured,
        "METRICS_UPDATE_INTERVAL": environment.get("METRICS_UPDATE_INTERVAL"),
    }
    return _first(INTERVAL, sources, "a number of seconds above 0 and up to a day", DEFAULT_INTERVAL_SECONDS)


def _initial_balance(configured: object, environment: Mapping[str, str]) -> float | None:
    named = environment.get("INITIAL_BALANCE")
    if configured is not None or not named:
        return _parsed(AMOUNT, configured)
    balance = _parsed(AMOUNT, named)
    if balance is None or balance < 0:
        raise ValueError(f"INITIAL_BALANCE must be an amount from 0 up, was {named!r}")
    return balance


def _zone(name: object) -> str:
    try:
        ZoneInfo(str(name))
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError(f"session_zone must be an IANA time zone such as Europe/Berlin, was {name!r}") from None
    return str(name)


def _webhook_url(configured: object, environment: Mapping[str, str]) -> str:
    url = str(configured or environment.get("ALERT_WEBHOOK_URL") or "")
    try:
        return checked_webhook_url(url)
    except ValueError as error:
        raise ValueError(f"ALERT_WEBHOOK_URL {error}; its value is not shown, because it may be a secret") from None


def _first(adapter: TypeAdapter[T], sources: Mapping[str, object], requirement: str, default: T) -> T:
    for name, value in sources.items():
        if value is None or value == "":
            continue
        parsed = _parsed(adapter, value)
        if parsed is None:
            raise ValueError(f"{name} must be {requirement}, was {value!r}")
        return parsed
    return default


def _parsed(adapter: TypeAdapter[T], value: object) -> T | None:
    if isinstance(value, bool):
        return None
    try:
        return adapter.validate_python(str(value))  # as text, so that numbers of NumPy and Decimal are taken too
    except ValidationError:
        return None


def _text(value: object, default: str) -> str:
    return value if isinstance(value, str) and value else str(getattr(value, "value", None) or default)
