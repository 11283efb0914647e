"""Registry of the invariants I1 to I11: the test of each, and how many examples it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings

THOROUGH = "thorough"  # the profile of `make test-all`; see tests/conftest.py
MIN_EXAMPLES = 5_000  # of all invariants together in that profile
INVARIANTS = tuple(f"I{number}" for number in range(1, 12))


@dataclass(frozen=True)
class Declared:
    """A test that holds an invariant."""

    invariant: str
    test: str
    thorough: int


DECLARED: list[Declared] = []


def invariant(name: str, few: int, thorough: int) -> Callable[[Any], Any]:  # Any: a test, decorated or not
    """Return the decorator of a test that holds an invariant.

    Args:
        name: One of INVARIANTS.
        few, thorough: Number of examples by default and in the profile of `make test-all`.
    """
    assert name in INVARIANTS, name
    profile = settings(
        max_examples=examples(few, thorough), deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )

    def declare(test: Any) -> Any:
        DECLARED.append(Declared(name, test.__name__, thorough))
        return profile(test)

    return declare


def examples(few: int, thorough: int) -> int:
    """Return the number of examples of this session."""
    return thorough if settings.get_current_profile_name() == THOROUGH else few
