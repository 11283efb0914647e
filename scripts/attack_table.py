"""Writes the table of attacks in docs/security.md from tests/system/attacks; a test compares it."""

import importlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.system.attacks.attack import REGISTERED, Attack  # noqa: E402  the path comes first

FOLDER = ROOT / "tests" / "system" / "attacks"
PAGE = ROOT / "docs" / "security.md"
MARKED = re.compile(r"(<!-- attacks -->\n).*?(<!-- end: attacks -->)", re.DOTALL)


def attacks() -> list[Attack]:
    """Return every attack, by module and then in the order of the file."""
    for path in sorted(FOLDER.glob("test_*.py")):
        importlib.import_module(f"tests.system.attacks.{path.stem}")
    return sorted(REGISTERED.values(), key=lambda attack: attack.area)


def table() -> str:
    """Return the table; a test passes only when what it got is what this table says."""
    lines = ["| Attack | Expected and got | Test |", "| --- | --- | --- |"]
    for attack in attacks():
        link = f"[`{attack.test}`](../tests/system/attacks/{attack.area}.py)"
        lines.append(f"| {_cell(attack.name)} | {_cell(attack.expects)} | {link} |")
    return "\n".join(lines) + "\n"


def filled(text: str) -> str:
    """Return the page with its table regenerated."""
    return MARKED.sub(lambda match: f"{match[1]}{table()}{match[2]}", text)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def main() -> int:
    """Rewrite the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
