"""Read the text of a rule document: JSON, or YAML by its safe loader only."""

import json
from collections.abc import Iterable
from typing import Any

from seatrial_core.errors import ValidationFailed, field_error

MAX_TEXT = 65_536
MAX_VALUES = 20_000
MAX_DEPTH = 64
# What the safe loader raises for a tag that its value does not fit, such as `!!bool maybe`.
YAML_ERRORS = (RecursionError, ValueError, LookupError, AttributeError, TypeError)


def read_text(text: str, name: str = "rules.json") -> object:
    """Return what a document says, before its rules are read; a `name` that ends in .yaml or .yml is read as YAML.

    Args:
        text: The document, at most 65,536 characters, 20,000 values (those of YAML aliases too) and 64 levels.
        name: Name of its file.

    Raises:
        ValidationFailed: The text is too long, too large or too deep, or is not JSON or YAML.
    """
    if len(text) > MAX_TEXT:
        raise field_error(name, f"{len(text)} characters", f"at most {MAX_TEXT}")
    if name.lower().endswith((".yaml", ".yml")):
        return _yaml(text, name)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValidationFailed(f"{name} is not JSON: {error}") from error
    _check_size(document, name)
    return document


def _yaml(text: str, name: str) -> object:
    try:
        import yaml
    except ImportError as error:
        raise ValidationFailed(
            f"{name} is YAML, which needs the package PyYAML; write JSON instead or install it"
        ) from error
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            _check_size(node, name)  # before aliases and merge keys multiply what is built from the nodes
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, *YAML_ERRORS) as error:
        raise ValidationFailed(f"{name} is not YAML: {str(error)[:200]}") from error


def _check_size(document: Any, name: str) -> None:  # Any: a JSON value, or a node of YAML
    values = 0
    level = [document]
    for _ in range(MAX_DEPTH):
        following = []
        for value in level:
            for part in _parts(value):
                values += 1
                if values > MAX_VALUES:
                    raise field_error(name, "a document that repeats or lists more", f"at most {MAX_VALUES} values")
                following.append(part)
        level = following
        if not level:
            return
    raise field_error(name, f"more than {MAX_DEPTH} levels", f"at most {MAX_DEPTH} levels of nesting")


def _parts(value: Any) -> Iterable[Any]:  # Any: a JSON value, or a node of YAML
    value = getattr(value, "value", value)
    if isinstance(value, dict):
        return value.values()
    if not isinstance(value, list):
        return ()
    return [part for item in value for part in (item if isinstance(item, tuple) else (item,))]
