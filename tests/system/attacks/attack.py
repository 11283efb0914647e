"""The decorator of an attack: one row (attack, expected, got) of the table in docs/security.md."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec

import pytest

P = ParamSpec("P")
GROUP = "attacks"


@dataclass(frozen=True)
class Attack:
    """One attack on a running stack.

    Args:
        name: What the attacker does.
        expects: What the product does about it; `got` must equal it.
        area: The module that holds the attack.
        test: The test's name.
    """

    name: str
    expects: str
    area: str
    test: str


REGISTERED: dict[str, Attack] = {}
RESULTS: list[tuple[Attack, str]] = []


def attack(name: str, expects: str) -> Callable[[Callable[P, str]], Callable[P, None]]:
    """Make a test of an attack whose result must be `expects`.

    Args:
        name: What the attacker does, one sentence without a full stop.
        expects: The result that the test function must return.
    """

    def decorate(function: Callable[P, str]) -> Callable[P, None]:
        declared = Attack(name, expects, function.__module__.rpartition(".")[2], function.__name__)
        assert REGISTERED.setdefault(name, declared).test == declared.test, f"two attacks are called {name!r}"

        @functools.wraps(function)
        def test(*args: P.args, **kwargs: P.kwargs) -> None:
            got = function(*args, **kwargs)
            RESULTS.append((declared, got))
            assert got == expects

        marked: Any = pytest.mark.system(pytest.mark.xdist_group(GROUP)(test))  # Any: marks are untyped
        marked.__annotations__ = {**function.__annotations__, "return": None}
        return marked  # type: ignore[no-any-return]

    return decorate
