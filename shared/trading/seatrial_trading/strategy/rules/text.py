"""Read the text of a rule document: JSON, or YAML by its safe loader only."""

import json

from seatrial_core.errors import ValidationFailed, field_error

MAX_TEXT = 65_536


def read_text(text: str, name: str = "rules.json") -> object:
    """Return what a document says, before its rules are read; a `name` that ends in .yaml or .yml is read as YAML.

    Args:
        text: The document, at most 65,536 characters.
        name: Name of its file.

    Raises:
        ValidationFailed: The text is too long, or is not JSON or YAML.
    """
    if len(text) > MAX_TEXT:
        raise field_error(name, f"{len(text)} characters", f"at most {MAX_TEXT}")
    if name.lower().endswith((".yaml", ".yml")):
        return _yaml(text, name)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValidationFailed(f"{name} is not JSON: {error}") from error


def _yaml(text: str, name: str) -> object:
    try:
        import yaml
    except ImportError as error:
        raise ValidationFailed(
            f"{name} is YAML, which needs the package PyYAML; write JSON instead or install it"
        ) from error
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValidationFailed(f"{name} is not YAML: {error}") from error
