"""Programs that the deployment tests need in addition to Python."""

import shutil

import pytest


def need(program: str, *, package: str) -> str:
    """Return a program's path, or skip and say which package brings it."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed (Debian package {package})")
    return path
