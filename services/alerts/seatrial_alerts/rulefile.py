"""The operator's file of thresholds and rules, read at the start: TOML, or JSON if its name ends in `.json`."""

import json
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from seatrial_alerts.documents import rule_of
from seatrial_core.alerting import thresholds
from seatrial_core.contracts.alerts import AlertRuleDocument
from seatrial_core.contracts.numbers import Finite
from seatrial_core.errors import SettingsError, ValidationFailed
from seatrial_core.small_files import read_small_text

MAX_BYTES = 256 << 10
MAX_DOTS = 64  # in a line; the time of reading a dotted key grows with the square of its parts
VARIABLE = "SEATRIAL_ALERTS_RULES_FILE"


class RuleFile(BaseModel):
    """The content of the file: thresholds of the default rules, and whole rules.

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

    alert_thresholds: dict[str, Finite] = {}
    rules: list[AlertRuleDocument] = []


def load(path: str) -> RuleFile:
    """Read the file; an empty path returns an empty file.

    Raises:
        SettingsError: It cannot be read or its content is not allowed; the message names the place.
    """
    if not path:
        return RuleFile()
    try:
        content = RuleFile.model_validate(_parsed(Path(path)))
        thresholds(content.alert_thresholds)
        for rule in content.rules:
            rule_of(rule)
    except OSError as error:
        raise SettingsError(f"{VARIABLE}={path}: {error.strerror}; give a file that this process may read") from error
    except ValidationError as error:
        places = "; ".join(f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors())
        raise SettingsError(f"{VARIABLE}={path}: {places}") from error
    except RecursionError as error:
        raise SettingsError(f"{VARIABLE}={path}: it is nested too deeply; flatten it") from error
    except (ValueError, ValidationFailed) as error:
        raise SettingsError(f"{VARIABLE}={path}: {error}") from error
    return content


def _parsed(path: Path) -> Any:  # Any: the content is validated afterwards
    text = read_small_text(path, MAX_BYTES, "rules_file")
    if path.suffix == ".json":
        return json.loads(text)
    for number, line in enumerate(text.splitlines(), 1):
        if line.count(".") > MAX_DOTS:
            raise ValidationFailed(f"line {number} has {line.count('.')} dots; at most {MAX_DOTS} are allowed")
    return tomllib.loads(text)
