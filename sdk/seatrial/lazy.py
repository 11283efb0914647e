"""Lazy imports of the public names; an error names the extra that is missing."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import NoReturn

# The extra that installs a module.
EXTRAS = {
    "seatrial_backtesting": "backtest",
    "seatrial_trading": "backtest",
    "numpy": "backtest",
    "numba": "backtest",
    "seatrial_stress": "stress",
    "seatrial_engine": "engine",
    "fastapi": "up",
    "uvicorn": "up",
    "sqlalchemy": "up",
    "structlog": "up",
    "pydantic_settings": "up",
}


class MissingExtra(ImportError):
    """A public name needs an extra that is not installed."""


def exports(
    package: str, names: Mapping[str, str]
) -> tuple[list[str], Callable[[str], object], Callable[[], list[str]]]:
    """Return `__all__`, `__getattr__` and `__dir__` of a package whose names load lazily.

    Args:
        package: The package's `__name__`.
        names: The module of each name.
    """

    def load(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(load_module(names[name], f"{package}.{name}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return sorted(names), load, lambda: sorted(names)


def load_module(module: str, needed_for: str) -> object:
    """Import a module, or raise MissingExtra naming what to install."""
    try:
        return import_module(module)
    except MissingExtra:
        raise
    except ModuleNotFoundError as error:
        raise_missing_extra(error, needed_for)


def raise_missing_extra(error: ModuleNotFoundError, needed_for: str) -> NoReturn:
    """Raise MissingExtra naming what to install, or the error itself if no extra installs the module."""
    root = (error.name or "").partition(".")[0]
    if root not in EXTRAS:
        raise error
    raise MissingExtra(
        f"{needed_for} needs {root}, which is not installed: pip install 'seatrial[{EXTRAS[root]}]'",
        name=error.name,
    ) from error
