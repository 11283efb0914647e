"""The requirements of installed distributions, followed to the end."""

from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def closure(distribution: str, extra: str = "") -> set[str]:
    """Return the normalised names that installing a distribution with an extra brings on this machine, itself included.

    Args:
        distribution: The name of an installed distribution.
        extra: One of its extras, or empty.
    """
    seen: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(distribution), name) for name in {"", extra}]
    while waiting:
        name, active = waiting.pop()
        if (name, active) in seen:
            continue
        seen.add((name, active))
        for text in metadata.requires(name) or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": active}):
                needed = canonicalize_name(requirement.name)
                waiting += [(needed, option) for option in {"", *requirement.extras}]
    return {str(name) for name, _ in seen}
