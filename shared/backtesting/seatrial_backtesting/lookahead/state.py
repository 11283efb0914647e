"""What a strategy keeps between runs, and how it was before the first: put back, each run starts as the first did."""

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from seatrial_backtesting.lookahead.reachability import is_library, names_used, walk

SCALARS = (int, float, str, bool, bytes, types.NoneType)
Undo = Callable[[], None]


def capture_state(strategy: object, but: frozenset[int] = frozenset()) -> Undo:
    """Return a function that puts back what the strategy has changed since now: globals, containers, caches.

    State that Python does not show (of an extension, a file, another process) stays as it is.

    Args:
        strategy: What is run.
        but: Ids of things that are left alone.
    """
    undo: list[Undo] = []
    for _, thing in walk(strategy, lambda thing: isinstance(thing, np.ndarray)):
        undo.extend(_undoing(thing) if id(thing) not in but else [])

    def put_back() -> None:
        for each in undo:
            each()

    return put_back


def _undoing(thing: Any) -> list[Undo]:  # Any: whatever a strategy is made of
    if isinstance(thing, types.FunctionType):
        return [] if is_library(thing.__module__) else _of_function(thing)
    clear = getattr(thing, "cache_clear", None)
    if callable(clear):
        return [] if is_library(getattr(thing, "__module__", None)) else [clear]
    if type(thing) in (dict, list, set):
        return [_container(thing)]
    if isinstance(thing, np.ndarray):
        return [_array(thing)] if thing.flags.writeable else []
    if is_library(type(thing).__module__) or isinstance(thing, type | types.ModuleType):
        return []
    own = getattr(thing, "__dict__", None)
    return [_container(own)] if isinstance(own, dict) else []


def _of_function(function: types.FunctionType) -> list[Undo]:
    known = function.__globals__
    names = [name for name in names_used(function.__code__) if isinstance(known.get(name, function), SCALARS)]
    cells = [cell for cell in function.__closure__ or () if _is_scalar(cell)]
    was = [known[name] for name in names]
    held = [cell.cell_contents for cell in cells]

    def put_back() -> None:
        known.update(zip(names, was, strict=True))
        for cell, value in zip(cells, held, strict=True):
            cell.cell_contents = value

    return [put_back, _container(function.__dict__)]


def _is_scalar(cell: types.CellType) -> bool:
    try:
        return isinstance(cell.cell_contents, SCALARS)
    except ValueError:  # not filled yet
        return False


def _container(thing: Any) -> Undo:  # Any: a dict, list or set
    was = thing.copy()

    def put_back() -> None:
        if len(thing) == len(was) and _same(thing, was):
            return
        thing.clear()
        (thing.extend if isinstance(thing, list) else thing.update)(was)

    return put_back


def _same(thing: Any, was: Any) -> bool:  # Any: a dict, list or set
    if isinstance(thing, set):
        return bool(thing == was)
    now, before = (thing.items(), was.items()) if isinstance(thing, dict) else (enumerate(thing), enumerate(was))
    return all(one[0] == other[0] and one[1] is other[1] for one, other in zip(now, before, strict=True))


def _array(thing: Any) -> Undo:  # Any: an array
    was = thing.copy()

    def put_back() -> None:
        thing[...] = was

    return put_back
