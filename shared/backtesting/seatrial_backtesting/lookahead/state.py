"""Captures the state of a strategy and restores it, so that every run starts like the first."""

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from seatrial_backtesting.lookahead.reachability import is_library, names_used, walk

SCALARS = (int, float, str, bool, bytes, types.NoneType)
Undo = Callable[[], None]


def capture_state(strategy: object, but: frozenset[int] = frozenset()) -> Undo:
    """Return a function that restores the current globals, containers and caches of a strategy.

    State outside Python (of an extension, a file, another process) is not restored.

    Args:
        strategy: The strategy.
        but: Ids of objects that are not restored.
    """
    undo: list[Undo] = []
    for _, thing in walk(strategy, lambda thing: isinstance(thing, np.ndarray)):
        undo.extend(_undoing(thing) if id(thing) not in but else [])

    def restore() -> None:
        for undo_one in undo:
            undo_one()

    return restore


def _undoing(thing: Any) -> list[Undo]:  # Any: any object of a strategy
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
    namespace = function.__globals__
    names = [name for name in names_used(function.__code__) if isinstance(namespace.get(name, function), SCALARS)]
    cells = [cell for cell in function.__closure__ or () if _is_scalar(cell)]
    was = [namespace[name] for name in names]
    contents = [cell.cell_contents for cell in cells]

    def restore() -> None:
        namespace.update(zip(names, was, strict=True))
        for cell, value in zip(cells, contents, strict=True):
            cell.cell_contents = value

    return [restore, _container(function.__dict__)]


def _is_scalar(cell: types.CellType) -> bool:
    try:
        return isinstance(cell.cell_contents, SCALARS)
    except ValueError:  # not filled yet
        return False


def _container(thing: Any) -> Undo:  # Any: a dict, list or set
    was = thing.copy()

    def restore() -> None:
        if len(thing) == len(was) and _same(thing, was):
            return
        thing.clear()
        (thing.extend if isinstance(thing, list) else thing.update)(was)

    return restore


def _same(thing: Any, was: Any) -> bool:  # Any: a dict, list or set
    if isinstance(thing, set):
        return bool(thing == was)
    now, before = (thing.items(), was.items()) if isinstance(thing, dict) else (enumerate(thing), enumerate(was))
    return all(one[0] == other[0] and one[1] is other[1] for one, other in zip(now, before, strict=True))


def _array(thing: Any) -> Undo:  # Any: an array
    was = thing.copy()

    def restore() -> None:
        thing[...] = was

    return restore
