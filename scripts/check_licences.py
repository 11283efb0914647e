"""Checks the licence of every package in the product's lock against a list: `python scripts/check_licences.py`.

pip-licenses reads what the installed packages say. A licence that is on no list is refused, so that GPL, AGPL, SSPL,
Commons Clause and a package without a licence are. Tools of development are not shipped and not checked.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from check_report import report
from packaging.markers import Marker

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.txt"
ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9_.-]+)==[^ ;\\]+(?:\s*;\s*(?P<marker>[^\\]+))?", re.MULTILINE)
ALLOWED = {
    *("0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT"),
    *("PSF-2.0", "Python-2.0", "Unlicense", "ZPL-2.1", "Zlib"),
    # Names of classifiers, which older packages have.
    *("Apache Software License", "BSD License", "ISC License (ISCL)", "MIT License", "zlib/libpng License"),
    "Python Software Foundation License",
}
# Weak copyleft: used unmodified and installed from their own packages.
WEAK_COPYLEFT = {
    "bidict": "MPL-2.0",
    "certifi": "Mozilla Public License 2.0 (MPL 2.0)",
    "pathspec": "Mozilla Public License 2.0 (MPL 2.0)",
    "psycopg": "LGPL-3.0-only",
    "psycopg-binary": "LGPL-3.0-only",
    "psycopg-pool": "LGPL-3.0-only",
}


def locked(text: str) -> list[str]:
    """Return the names of the packages of a lock that this platform installs."""
    entries = ENTRY.finditer(text)
    return [entry["name"] for entry in entries if not entry["marker"] or Marker(entry["marker"].strip()).evaluate()]


def stated(names: Iterable[str]) -> dict[str, str]:
    """Return the licence that each installed package states."""
    command = [sys.executable, "-m", "piplicenses", "--from=mixed", "--format=json", "--with-system", "--packages"]
    output = subprocess.run([*command, *names], capture_output=True, text=True, check=True).stdout
    return {_canonical(package["Name"]): package["License"] for package in json.loads(output)}


def refused(licences: dict[str, str], names: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each package whose licence is on no list."""
    for name in map(_canonical, names):
        licence = licences.get(name)
        if licence is None:
            yield f"{name} is locked but not installed here; run make install"
        elif WEAK_COPYLEFT.get(name) != licence and not is_allowed(licence):
            yield f"{name}: {licence} is not on the list of scripts/check_licences.py"


def is_allowed(licence: str) -> bool:
    """Return whether every licence of an expression is on the list; of plain alternatives (A OR B) one is enough."""
    if " OR " in licence and not re.search(r"[();]| AND ", licence):
        return any(choice in ALLOWED for choice in licence.split(" OR "))
    parts = (part.strip() for part in re.split(r";| AND | OR ", licence))
    return all(part in ALLOWED or part.strip("()") in ALLOWED for part in parts)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Print the refused packages; return 1 if there is one."""
    names = locked(LOCK.read_text(encoding="utf-8"))
    return report(refused(stated(names), names))


if __name__ == "__main__":
    sys.exit(main())
