"""Refuses query parameters that a route does not have, or has once and got twice: a misspelt filter filters nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence

from seatrial_core.characters import printable
from seatrial_core.errors import FieldError, ValidationFailed
from seatrial_core.quoting import quote

MAX_NAME = 100
MAX_REPORTED = 20


def require_known(sent: Sequence[tuple[str, str]], parameters: Mapping[str, bool]) -> None:
    """Check the query of a request.

    Args:
        sent: Its names and values, in order.
        parameters: The names that the route has, and whether each may be given more than once.

    Raises:
        ValidationFailed: A name is not known, or given twice; all of them are reported, with the names there are.
    """
    values = dict(sent)
    counts = Counter(name for name, _ in sent)
    unknown = [name for name in values if name not in parameters]
    repeated = [name for name in values if counts[name] > 1 and parameters.get(name) is False]
    if not unknown and not repeated:
        return
    names = ", ".join(f"`{name}`" for name in sorted(parameters))
    allowed = f"this route has {names}" if names else "this route has no query parameters"
    sentences = []
    if unknown:
        sentences.append(f"{_listed(unknown)} {_is(unknown)} not known here; {allowed}")
    if repeated:
        sentences.append(f"{_listed(repeated)} {_is(repeated)} given more than once; send one value")
    errors = [FieldError(f"query.{_shown(name)}", quote(values[name]), allowed) for name in unknown]
    errors += [FieldError(f"query.{_shown(name)}", quote(values[name]), "one value") for name in repeated]
    raise ValidationFailed("; ".join(sentences), errors=errors)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{_shown(name)}`" for name in names[:MAX_REPORTED])
    kind = "the query parameter" if len(names) == 1 else "the query parameters"
    return f"{kind} {shown}" + (f" and {len(names) - MAX_REPORTED} more" if len(names) > MAX_REPORTED else "")


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _shown(name: str) -> str:
    return printable(name[:MAX_NAME])
