"""Lists the images and actions in use and refuses floating versions: `python scripts/container_images.py`.

An image has an exact version (postgres:15.18, not postgres:15 or latest), or a digest. An action of a workflow has the
hash of a commit.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from check_report import report

ROOT = Path(__file__).resolve().parents[1]
FILES = ("docker-compose.yml", "Dockerfile", "k8s/**/*.yaml", "observability/**/*.yml", ".github/workflows/*.yml")
# `image: NAME`, `image: ${VARIABLE:-NAME}`, `FROM NAME`, `ARG SOME_IMAGE=NAME`, `uses: ACTION`.
USE = re.compile(
    r"^\s*(?:-\s+)?(?:image:\s*|FROM\s+|ARG\s+\w*IMAGE=|uses:\s*)[\"']?(?:\$\{\w+:-)?(?P<name>[^\s\"'}#]+|\$\{\w+\})",
    re.MULTILINE,
)
NEW_TAG = re.compile(r"name:\s*(?P<name>[\w./-]+),.*?newTag:\s*[\"']?(?P<tag>[\w.-]+)")
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
COMMIT = re.compile(r"@[0-9a-f]{40}$")
# Numbers that an exact version has; 3 unless listed.
NUMBERS = {"postgres": 2}


@dataclass(frozen=True)
class ImageUse:
    """An image or action as a file names it."""

    file: str
    reference: str

    @property
    def repository(self) -> str:
        """Return the reference without tag and digest."""
        return re.sub(r":[^/:]*$", "", self.reference.split("@")[0])

    @property
    def tag(self) -> str:
        """Return the tag, empty without one."""
        return self.reference.split("@")[0].removeprefix(self.repository).lstrip(":")

    @property
    def complaint(self) -> str:
        """Return why the version is not exact; empty if it is."""
        if self.file.startswith(".github/"):
            return "" if COMMIT.search(self.reference) else "name the commit, 40 digits, of the action's release"
        if DIGEST.search(self.reference):
            return ""
        if not self.tag:
            return "has no tag, which means latest"
        numbers = NUMBERS.get(self.repository, 3)
        exact = re.fullmatch(rf"v?\d+(\.\d+){{{numbers - 1},}}(-[\w.-]+)?", self.tag)
        return "" if exact else f"the tag {self.tag} can move; name a version of {numbers} numbers"


def uses(root: Path = ROOT) -> Iterator[ImageUse]:
    """Yield every image and action that is used."""
    for pattern in FILES:
        for path in sorted(root.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            file = path.relative_to(root).as_posix()
            names = (match["name"] for match in USE.finditer(text))
            yield from (ImageUse(file, name) for name in names if not name.startswith("${"))
            yield from (ImageUse(file, f"{match['name']}:{match['tag']}") for match in NEW_TAG.finditer(text))


def complaints(root: Path = ROOT) -> list[str]:
    """Return one sentence for each floating version."""
    return [f"{use.file}: {use.reference}: {use.complaint}" for use in uses(root) if use.complaint]


if __name__ == "__main__":
    sys.exit(report(complaints()))
