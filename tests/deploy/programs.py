"""Programs that the deployment tests need in addition to Python."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def need(program: str, *, package: str) -> str:
    """Return a program's path, or skip and say which package brings it."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed (Debian package {package})")
    return path


def compose_command() -> list[str]:
    """Return the command of Docker Compose: the development tools' own, else docker's plugin; skip without either."""
    own = Path(sys.executable).parent / "docker-compose"
    if own.exists():
        return [str(own)]
    if shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0:
        return ["docker", "compose"]
    pytest.skip("there is no Docker Compose: `make install-dev` installs it on Linux, else install Docker")
