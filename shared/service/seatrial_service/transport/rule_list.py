"""Lists of names in a setting: parts between commas, each of one form."""

from collections.abc import Callable

from seatrial_core.errors import SettingsError

MAX_QUOTE = 100


def parse_rule_list(variable: str, text: str, is_valid: Callable[[str], bool], expected: str) -> frozenset[str]:
    """Return the parts of a list in lower case, without empty ones.

    Args:
        variable: The name of the setting, for the message.
        text: Its value, such as `one.example.com,two.example.com`.
        is_valid: Returns whether a part, in lower case, has the right form.
        expected: What a part is and what to give, for the message.

    Raises:
        SettingsError: A part has another form.
    """
    parts = {part.strip().lower().rstrip("/") for part in text.split(",") if part.strip()}
    for part in sorted(parts):
        if not is_valid(part):
            raise SettingsError(f"{variable}: {part[:MAX_QUOTE]!r} is not {expected}")
    return frozenset(parts)
