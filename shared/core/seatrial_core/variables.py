"""Names the environment variables that start with `SEATRIAL_` and that no part of Seatrial reads."""

import difflib
import re
from collections.abc import Iterable

from seatrial_core.variable_names import VARIABLE_NAMES

PREFIX = "SEATRIAL_"
_PLAIN = re.compile(r"[A-Za-z0-9_]+")
_SIMILARITY = 0.8


def unknown_variables(names: Iterable[str], further: Iterable[str] = ()) -> list[str]:
    """Return one sentence for each variable that is set but never read; values are not shown.

    Args:
        names: The names of the variables that are set; names without the prefix are left out.
        further: Names that the caller reads in addition to `VARIABLE_NAMES`.
    """
    readable = VARIABLE_NAMES | set(further)
    ours = (name for name in names if name.upper().startswith(PREFIX))
    return [_sentence(name, readable) for name in sorted(ours) if name.upper() not in readable]


def _sentence(name: str, readable: Iterable[str]) -> str:
    shown = name if _PLAIN.fullmatch(name) else repr(name)
    nearest = difflib.get_close_matches(name.upper(), sorted(readable), n=1, cutoff=_SIMILARITY)
    advice = f"did you mean {nearest[0]}?" if nearest else "docs/configuration.md lists every name."
    return f"{shown} is set, but nothing reads it; {advice}"
