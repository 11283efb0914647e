"""Where the laws of a run are declared: which of I1 to I11 a test stands for, and on how many examples."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings

THOROUGH = "thorough"  # the profile of `make test-all`; see tests/conftest.py
MIN_EXAMPLES = 5_000  # of all laws together in that profile
LAWS = tuple(f"I{number}" for number in range(1, 12))


@dataclass(frozen=True)
class Declared:
    """A test that stands for a law."""

    law: str
    test: str
    thorough: int


DECLARED: list[Declared] = []


def law(name: str, few: int, thorough: int) -> Callable[[Any], Any]:  # Any: a test, decorated or not
    """Return the decorator of a test that stands for a law.

    Args:
        name: One of LAWS.
        few, thorough: How many examples are tried, everywhere and in the profile of `make test-all`.
    """
    assert name in LAWS, name
    chosen = settings(max_examples=examples(few, thorough), deadline=None, suppress_health_check=[HealthCheck.too_slow])

    def declare(test: Any) -> Any:
        DECLARED.append(Declared(name, test.__name__, thorough))
        return chosen(test)

    return declare


def examples(few: int, thorough: int) -> int:
    """Return how many examples this session tries."""
    return thorough if settings.get_current_profile_name() == THOROUGH else few
