"""What a monitor is told: by its arguments, then the owner's config, then the environment, else the default."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import EllipsisType
from urllib.parse import urlsplit

from seatrial_core import alerting

DEFAULT_PORT = 9999
DEFAULT_INTERVAL_SECONDS = 30.0


@dataclass(frozen=True)
class MonitorOptions:
    """The options of one monitor, checked.

    Args:
        port: Where the metrics page or the metrics service is.
        interval_seconds: How often figures are read and thresholds judged.
        thresholds: The five thresholds, the guide's names and units.
        webhook_url: Where alerts are posted; empty for nowhere.
        webhook_secret: Signs them; empty for unsigned.
        initial_balance: What the account began with; None when unknown.
        account: The account's name on events.
        environment: live, paper, replay or stress.
    """

    port: int
    interval_seconds: float
    thresholds: Mapping[str, float]
    webhook_url: str = ""
    webhook_secret: str = field(default="", repr=False)
    initial_balance: float | None = None
    account: str = "default"
    environment: str = "live"


def read(
    config: object,
    *,
    port: int | None = None,
    interval: float | None = None,
    alert_thresholds: Mapping[str, float] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> MonitorOptions:
    """Return the options of a monitor, or raise ValueError naming what is wrong.

    Args:
        config: The owner's config: any object; of it are read, where they exist, `monitoring_port`,
            `metrics_update_interval`, `alert_webhook_url`, `alert_webhook_secret`, `alert_thresholds`,
            `initial_balance`, `account` and `environment`.
        port: Wins over the config.
        interval: In seconds; wins over the config.
        alert_thresholds: Changes single thresholds; wins over the config.
        environment: The variables MONITORING_PORT, METRICS_UPDATE_INTERVAL, ALERT_WEBHOOK_URL, ALERT_WEBHOOK_SECRET.
    """
    return MonitorOptions(
        port=_port(port, _attribute(config, "monitoring_port"), environment),
        interval_seconds=_interval(interval, _attribute(config, "metrics_update_interval"), environment),
        thresholds=thresholds(_attribute(config, "alert_thresholds"), alert_thresholds),
        webhook_url=_webhook_url(_attribute(config, "alert_webhook_url"), environment),
        webhook_secret=str(_attribute(config, "alert_webhook_secret") or environment.get("ALERT_WEBHOOK_SECRET") or ""),
        initial_balance=_amount(_attribute(config, "initial_balance")),
        account=_word(_attribute(config, "account"), "default"),
        environment=_word(_attribute(config, "environment"), environment.get("SEATRIAL_ENVIRONMENT") or "live"),
    )


def thresholds(*layers: object) -> dict[str, float]:
    """Return the five thresholds with the changes of each layer, the last one winning.

    Raises:
        ValueError: A key is not one of the five, or a value is not allowed.
    """
    changes: dict[str, float] = {}
    for layer in layers:
        if layer is None:
            continue
        if not isinstance(layer, Mapping):
            raise ValueError(f"alert_thresholds must be a mapping, was {layer!r}")
        changes.update(layer)
    return alerting.thresholds(changes)


def _attribute(config: object, name: str) -> object:
    value = config.get(name) if isinstance(config, Mapping) else getattr(config, name, None)
    return None if isinstance(value, EllipsisType) else value


def _port(argument: object, configured: object, environment: Mapping[str, str]) -> int:
    guide, ours = environment.get("MONITORING_PORT"), environment.get("SEATRIAL_METRICS_PORT")
    if guide and ours and guide != ours:
        raise ValueError(
            f"MONITORING_PORT={guide} and SEATRIAL_METRICS_PORT={ours} name one setting but differ; set one of them"
        )
    named = {"port": argument, "monitoring_port": configured, "MONITORING_PORT": guide, "SEATRIAL_METRICS_PORT": ours}
    for name, value in named.items():
        if value is None or value == "":
            continue
        text = str(value)
        if isinstance(value, bool) or not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
            raise ValueError(f"{name} must be a port from 1 to 65535, was {value!r}")
        return int(text)
    return DEFAULT_PORT


def _interval(argument: object, configured: object, environment: Mapping[str, str]) -> float:
    named = {
        "interval": argument,
        "metrics_update_interval": configured,
        "METRICS_UPDATE_INTERVAL": environment.get("METRICS_UPDATE_INTERVAL"),
    }
    for name, value in named.items():
        if value is None or value == "":
            continue
        seconds = _amount(value)
        if seconds is None or not 0 < seconds <= 86_400:
            raise ValueError(f"{name} must be a number of seconds above 0 and up to a day, was {value!r}")
        return seconds
    return DEFAULT_INTERVAL_SECONDS


def _webhook_url(configured: object, environment: Mapping[str, str]) -> str:
    url = str(configured or environment.get("ALERT_WEBHOOK_URL") or "")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or any(letter.isspace() for letter in url):
        raise ValueError(f"ALERT_WEBHOOK_URL must be an http:// or https:// address, was {url!r}")
    return url


def _amount(value: object) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _word(value: object, default: str) -> str:
    return value if isinstance(value, str) and value else str(getattr(value, "value", None) or default)
