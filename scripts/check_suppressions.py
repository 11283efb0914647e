"""Refuses a suppressed finding of bandit without its number and a reason: `python scripts/check_suppressions.py`.

A suppression reads `# nosec B301 # only our own process writes it`.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from check_report import report

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("shared", "services", "sdk", "scripts", "benchmarks", "k8s", "examples")
MARK = re.compile(r"#\s*nosec\b(?P<rest>.*)")
COMPLETE = re.compile(r"(?: B\d{3},?)+ # \S+( \S+)+")


def complaints(root: Path = ROOT) -> Iterator[str]:
    """Yield one sentence for each incomplete suppression."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            if path.name == Path(__file__).name:
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                match = MARK.search(line)
                if match and not COMPLETE.match(match["rest"]):
                    yield f"{path.relative_to(root)}:{number}: write `# nosec B123 # the reason`"


if __name__ == "__main__":
    sys.exit(report(complaints()))
