"""The operator's file of thresholds and rules, read at start: TOML, or JSON by its suffix."""

import json
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from seatrial_alerts.documents import rule_of
from seatrial_core.alerting import thresholds
from seatrial_core.contracts.alerts import AlertRuleDocument
from seatrial_core.errors import SettingsError, ValidationFailed

VARIABLE = "SEATRIAL_ALERTS_RULES_FILE"


class RuleFile(BaseModel):
    """What the file says: thresholds of the default rules, and rules in full.

    Example:
        [alert_thresholds]
        max_drawdown = 0.2

        [[rules]]
        name = "deep_drawdown"
        metric = "drawdown_ratio"
        comparison = "above"
        threshold = 0.3
        action = "halt"
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    alert_thresholds: dict[str, float] = {}
    rules: list[AlertRuleDocument] = []


def load(path: str) -> RuleFile:
    """Read the file; no path is an empty file.

    Raises:
        SettingsError: It cannot be read, or says something that is not allowed; the message names the place.
    """
    if not path:
        return RuleFile()
    try:
        found = RuleFile.model_validate(_parsed(Path(path)))
        thresholds(found.alert_thresholds)
        for rule in found.rules:
            rule_of(rule)
    except OSError as error:
        raise SettingsError(f"{VARIABLE}={path}: {error.strerror}; give a file that this process may read") from error
    except ValidationError as error:
        places = "; ".join(f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors())
        raise SettingsError(f"{VARIABLE}={path}: {places}") from error
    except (ValueError, ValidationFailed) as error:
        raise SettingsError(f"{VARIABLE}={path}: {error}") from error
    return found


def _parsed(path: Path) -> Any:  # Any: whatever the file holds
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
