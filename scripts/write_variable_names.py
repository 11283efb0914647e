"""Writes the names that `seatrial_core.variables` knows: `python scripts/write_variable_names.py`, or `make docs`.

A name is known if a Settings class has it, or if it is written out in the code, in compose or in a script.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from env_example import SERVICES

from seatrial_core.clients import PORTS
from seatrial_service.settings import variables

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "shared" / "core" / "seatrial_core" / "variable_names.py"
NAME = re.compile(r"SEATRIAL_[A-Z0-9_]*[A-Z0-9]")
CODE = ("shared", "services", "sdk", "benchmarks", "k8s")
TEXTS = ("docker-compose.yml", "Dockerfile", "Makefile", ".ci/run", "scripts/*.sh")
HEAD = '''"""The name of every variable that Seatrial reads; written by scripts/write_variable_names.py."""

'''


def names() -> list[str]:
    """Return every known name, sorted."""
    known_names = {name for settings in SERVICES for name in variables(settings) if name.startswith("SEATRIAL_")}
    known_names |= {f"SEATRIAL_{service.upper()}_URL" for service in PORTS}
    for folder in CODE:
        for path in (ROOT / folder).rglob("*.py"):
            if path != TARGET:
                known_names |= set(_written_out(path))
    for pattern in TEXTS:
        for path in ROOT.glob(pattern):
            known_names |= set(NAME.findall(path.read_text(encoding="utf-8")))
    return sorted(known_names)


def text() -> str:
    """Return the module."""
    listed = "\n".join(f'        "{name}",' for name in names())
    return f"{HEAD}VARIABLE_NAMES = frozenset(\n    {{\n{listed}\n    }}\n)\n"


def _written_out(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
            yield node.value


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{TARGET.relative_to(ROOT)}\n")
