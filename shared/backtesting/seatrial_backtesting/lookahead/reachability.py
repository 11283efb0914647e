"""Walks the functions, closures, globals and attributes that a strategy can reach, with their names."""

import functools
import inspect
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

MAX_DEPTH = 6
MAX_MEMBERS = 2_000
_OURS = ("seatrial", "seatrial_core", "seatrial_trading", "seatrial_backtesting")
# Strategies do not keep bars in these packages.
LIBRARIES = frozenset(
    {
        "seatrial",
        "seatrial_core",
        "seatrial_trading",
        "seatrial_backtesting",
        "numpy",
        "pandas",
        "scipy",
        "numba",
        "talib",
    }
)


def walk(strategy: object, is_end: Callable[[object], bool]) -> Iterator[tuple[str, object]]:
    """Yield every reachable object once, with the name under which it is reached.

    Args:
        strategy: A function, a bound method, a partial, or an object that can be called.
        is_end: Whether the members of an object are skipped.
    """
    seen: dict[int, object] = {}  # keeps the objects alive, so that no other gets the same id
    waiting: list[tuple[object, str, int]] = [(strategy, "", 0)]
    while waiting:
        thing, name, depth = waiting.pop()
        if thing is None or id(thing) in seen:
            continue
        seen[id(thing)] = thing
        yield name, thing
        if depth < MAX_DEPTH and not is_end(thing):
            inner = [(member, f"{name}.{part}" if name else part, depth + 1) for part, member in _parts(thing)]
            waiting.extend(reversed(inner))


def names_used(code: types.CodeType) -> list[str]:
    """Return the names of globals and attributes in a function's code, inner functions included."""
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return list(dict.fromkeys([*code.co_names, *(name for function in inner for name in names_used(function))]))


def is_library(name: str | None) -> bool:
    """Return whether a module belongs to the standard library or to a package that strategies use."""
    root = (name or "").partition(".")[0]
    return (root in sys.stdlib_module_names and root != "__main__") or root in LIBRARIES


def _parts(thing: Any) -> list[tuple[str, object]]:  # Any: any object of a strategy
    if isinstance(thing, types.FunctionType):
        return [] if is_library(thing.__module__) else _of_function(thing)
    wrapped = getattr(thing, "__wrapped__", None)
    if isinstance(wrapped, types.FunctionType):
        return _of_function(wrapped)
    if isinstance(thing, types.MethodType):
        return [("self", thing.__self__), (thing.__name__, thing.__func__)]
    if isinstance(thing, functools.partial):
        return [("function", thing.func), *_members({**thing.keywords, "arguments": list(thing.args)})]
    if isinstance(thing, Mapping):
        return _members(thing)
    if isinstance(thing, Sequence) and not isinstance(thing, str | bytes):
        return [(f"[{index}]", item) for index, item in enumerate(thing[:MAX_MEMBERS])]
    if isinstance(thing, types.ModuleType | type) or is_library(type(thing).__module__):
        return []
    called = inspect.getattr_static(type(thing), "__call__", None)
    members = _members(getattr(thing, "__dict__", {}))
    return [*members, ("__call__", called)] if isinstance(called, types.FunctionType) else members


def _of_function(function: types.FunctionType) -> list[tuple[str, object]]:
    names = names_used(function.__code__)
    namespace = function.__globals__
    parts: list[tuple[str, object]] = [(name, namespace[name]) for name in names if name in namespace]
    modules = [(name, part) for name, part in parts if isinstance(part, types.ModuleType)]
    parts += [
        (f"{name}.{part}", vars(module)[part]) for name, module in modules for part in names if _is_data(module, part)
    ]
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        try:
            parts.append((name, cell.cell_contents))
        except ValueError:  # not filled yet
            continue
    defaults = {f"default {index}": default for index, default in enumerate(function.__defaults__ or ())}
    return [*parts, *_members(defaults), *_members(function.__kwdefaults__ or {}), *_members(vars(function))]


def _is_data(module: types.ModuleType, name: str) -> bool:
    return not is_library(module.__name__) and name in vars(module) and not callable(vars(module)[name])


def _members(members: Mapping[Any, object]) -> list[tuple[str, object]]:  # Any: keys of a dict
    return [(str(name), member) for name, member in list(members.items())[:MAX_MEMBERS]]
