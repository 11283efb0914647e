"""Checks without a network that the locks fit their inputs: `python scripts/check_locks.py`.

Every requirement of a pyproject.toml or a .in file is locked at a version that satisfies it, every entry has hashes,
no lock names an address or a path, and two locks that hold one package agree on its version. It cannot know whether a
version has a known fault: that needs a network.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from check_report import report
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")
ADDRESS = re.compile(r"://|file:|^-e |--(?:extra-)?index-url|--find-links|^\.{0,2}/", re.MULTILINE)
FLOORS = "requirements-floors.txt"  # the lowest versions of the base installation, without extras
# Locks that are resolved apart from the product's.
SEPARATE = {"requirements-deploy.txt", FLOORS}


@dataclass(frozen=True)
class Lock:
    """A lock file: the text and the locked versions of each package."""

    path: Path
    text: str

    @property
    def versions(self) -> dict[str, set[Version]]:
        """Return the locked versions by canonical name; markers may bring several."""
        locked: dict[str, set[Version]] = {}
        for match in ENTRY.finditer(self.text):
            locked.setdefault(canonicalize_name(match["name"]), set()).add(Version(match["version"]))
        return locked

    @property
    def entries(self) -> list[str]:
        """Return the text of every entry."""
        starts = [match.start() for match in ENTRY.finditer(self.text)]
        return [self.text[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]


def read(path: Path) -> Lock:
    """Return a lock file."""
    return Lock(path, path.read_text(encoding="utf-8"))


def requirements(path: Path, *, with_extras: bool = True) -> Iterator[Requirement]:
    """Yield the requirements of a pyproject.toml or of a .in file, without our own distributions."""
    for line in _lines(path, with_extras=with_extras):
        if line and not line.startswith(("-r", "-c", "seatrial")):
            yield Requirement(line)


def with_shared(project: Path, root: Path) -> list[Path]:
    """Return the pyproject.toml of a distribution and those of the shared distributions that it needs."""
    needed = [project]
    for path in needed:
        ours = (line for line in _lines(path, with_extras=False) if line.startswith("seatrial-"))
        folders = (root / "shared" / line.removeprefix("seatrial-") / "pyproject.toml" for line in ours)
        needed += [folder for folder in folders if folder.exists() and folder not in needed]
    return needed


def _lines(path: Path, *, with_extras: bool) -> list[str]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".in":
        return [line.partition("#")[0].strip() for line in text.splitlines()]
    hook = tomllib.loads(text)["tool"]["hatch"]["metadata"]["hooks"]["custom"]
    extras = hook.get("optional-dependencies", {}).values() if with_extras else []
    return [*hook.get("dependencies", []), *(line for extra in extras for line in extra)]


def unmet(inputs: Iterable[Path], lock: Lock, *, with_extras: bool = True) -> Iterator[str]:
    """Yield a sentence for each requirement that a lock does not meet."""
    versions = lock.versions
    for path in inputs:
        for requirement in requirements(path, with_extras=with_extras):
            locked = versions.get(canonicalize_name(requirement.name), set())
            if not any(requirement.specifier.contains(version, prereleases=True) for version in locked):
                state = " and ".join(map(str, sorted(locked))) or "missing"
                yield f"{lock.path.name} has {requirement.name} {state}, {path} needs {requirement}; run make lock"


def malformed(lock: Lock) -> Iterator[str]:
    """Yield a sentence for each entry without a hash, and for an address."""
    for entry in lock.entries:
        if not HASH.search(entry):
            yield f"{lock.path.name}: {entry.split()[0]} has no hash; run make lock"
    if match := ADDRESS.search(lock.text):
        yield f"{lock.path.name} names an address or a path ({match[0]!r}); locks must work with every registry"


def disagreements(locks: Iterable[Lock]) -> Iterator[str]:
    """Yield a sentence for each package that two locks hold in different versions."""
    first: dict[str, tuple[str, set[Version]]] = {}
    for lock in locks:
        for name, versions in lock.versions.items():
            file, expected = first.setdefault(name, (lock.path.name, versions))
            if not versions <= expected:
                yield f"{lock.path} has {name} {max(versions)}, {file} has {max(expected)}; run make lock"


def complaints(root: Path = ROOT) -> list[str]:
    """Return one sentence for each fault of the locks."""
    product = read(root / "requirements.txt")
    projects = sorted([*root.glob("shared/*/pyproject.toml"), *root.glob("services/*/pyproject.toml")])
    sets = {
        "requirements.txt": [*projects, root / "sdk" / "pyproject.toml", root / "requirements-build.in"],
        "requirements-build.txt": [root / "requirements-build.in"],
        "requirements-dev.txt": [root / "requirements-dev.in"],
        "requirements-deploy.txt": [root / "requirements-deploy.in"],
        FLOORS: [root / "sdk" / "pyproject.toml", root / "shared" / "core" / "pyproject.toml"],
        **{
            f"services/{path.parent.name}/requirements.txt": with_shared(path, root)
            for path in projects
            if path.parent.parent.name == "services"
        },
    }
    locks = {name: read(root / name) for name in sets}
    sentences = [
        sentence for name, inputs in sets.items() for sentence in unmet(inputs, locks[name], with_extras=name != FLOORS)
    ]
    sentences += [sentence for lock in locks.values() for sentence in malformed(lock)]
    together = [lock for name, lock in locks.items() if name not in SEPARATE]
    return sentences + list(disagreements([product, *together]))


if __name__ == "__main__":
    sys.exit(report(complaints()))
