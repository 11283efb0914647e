"""Compiles loops with numba at their first call, with a cache that depends on all kernel sources."""

import os
import platform
import tempfile
from collections.abc import Callable
from functools import cache, update_wrapper
from hashlib import sha256
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

CACHE_VARIABLE = "SEATRIAL_NUMBA_CACHE_DIR"
_PACKAGE = Path(__file__).resolve().parents[1]
KERNEL_FOLDERS = ("quant", "matching")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function`, compiled by numba when it is first called; interpreted where numba is missing or disabled.

    So importing a module of loops is cheap; importing numba takes more than a second.
    """
    return cast(Callable[P, R], _Lazy(function))


class _Lazy:
    """A function that compiles itself, and what it calls, on first use."""

    def __init__(self, function: Callable[..., Any]) -> None:  # Any: whatever the loop takes and gives
        self.function = function
        self._ready: Callable[..., Any] | None = None
        update_wrapper(self, function)

    def __call__(self, *args: Any) -> Any:
        """Run the loop."""
        ready = self._ready or self.ready()
        return ready(*args)

    def ready(self) -> Callable[..., Any]:
        """Return the compiled function; its callees are compiled first, because numba must see them as its own."""
        if self._ready is None:
            scope = self.function.__globals__
            for name in self.function.__code__.co_names:
                callee = scope.get(name)
                if isinstance(callee, _Lazy) and callee is not self:
                    scope[name] = callee.ready()
            njit = _njit()
            self._ready = self.function if njit is None else njit(self.function)
        return self._ready


@cache
def _njit() -> Callable[[Callable[..., Any]], Callable[..., Any]] | None:
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}:
        return None
    try:
        import numba
    except ImportError:
        return None
    setattr(numba.config, "CACHE_DIR", str(cache_folder(numba.__version__)))  # noqa: B010  numba makes its names at run time
    made: Callable[[Callable[..., Any]], Callable[..., Any]] = numba.njit(nogil=True, cache=True, error_model="numpy")
    return made


def cache_folder(numba_version: str) -> Path:
    """Return the cache folder, named after a hash of all kernel sources.

    numba's own check covers the file of a function only and misses a change of a callee in another file.
    """
    digest = sha256(f"{numba_version} {platform.python_version()}".encode())
    for folder in KERNEL_FOLDERS:
        for source in sorted((_PACKAGE / folder).rglob("*.py")):
            digest.update(source.name.encode() + source.read_bytes())
    base = os.environ.get(CACHE_VARIABLE) or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder_path = Path(base) / "seatrial" / digest.hexdigest()
    try:
        folder_path.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="seatrial-kernel-"))
    return folder_path if os.access(folder_path, os.W_OK) else Path(tempfile.mkdtemp(prefix="seatrial-kernel-"))
