"""Parses the arguments that the `backtest` commands share: strategy, parameters, and whether the extra is installed."""

from collections.abc import Mapping
from pathlib import Path

from seatrial.cli.output import fail
from seatrial_core.errors import field_error
from seatrial_core.small_files import read_small_text

RULE_SUFFIXES = (".json", ".yaml", ".yml")
SYMBOL_HELP = "Symbol to select in the data."
TIMEZONE_HELP = "Time zone of times without one."
MAX_ROWS_HELP = "Refuse a file with more rows; its unpacked size is limited in proportion."
MAX_ROWS_DEFAULT = "5000000"
SET_HELP = "A parameter; repeatable."


def require_backtesting() -> None:
    """End the command with the command to run if the `backtest` extra is not installed."""
    try:
        import seatrial_backtesting.lookahead.subjects
        import seatrial_backtesting.run  # noqa: F401  only to check that they are installed
    except ModuleNotFoundError as error:
        fail(f"`seatrial backtest` needs {error.name}, which is not installed: pip install 'seatrial[backtest]'")


def read_strategy(text: str) -> object:
    """Return a registered name as it is, or the document of a rule file.

    Raises:
        ValidationFailed: The file cannot be read, or is not a rule document.
    """
    if not text.lower().endswith(RULE_SUFFIXES):
        return text
    from seatrial_trading.strategy.rules import read_text
    from seatrial_trading.strategy.rules.text import MAX_TEXT

    try:
        content = read_small_text(Path(text), 4 * MAX_TEXT, "strategy")
    except OSError as error:
        allowed = f"a registered name or a file that can be read ({error.strerror})"
        raise field_error("strategy", text, allowed) from error
    except UnicodeDecodeError as error:
        raise field_error("strategy", text, "a rule document in UTF-8") from error
    except ValueError as error:
        raise field_error("strategy", text, "a registered name or the path of a file") from error
    document = read_text(content, text)
    if not isinstance(document, Mapping):
        raise field_error("strategy", text, "a file with a rule document: a JSON or YAML object")
    return document


def parse_params(texts: list[str]) -> dict[str, object]:
    """Parse strategy parameters written as KEY=VALUE; values become booleans, integers or floats where they can.

    Raises:
        ValidationFailed: A text is not of that form.
    """
    return dict(_parse_param(text) for text in texts)


def _parse_param(text: str) -> tuple[str, object]:
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise field_error("set", text, "KEY=VALUE, such as rsi_period=10")
    return name.strip(), _parse_value(value.strip())


def _parse_value(text: str) -> object:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
