"""The checks of `seatrial doctor`: can this machine and folder run the stack."""

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial.stack import ports, services
from seatrial.stack.down import supervisor_pid
from seatrial.stack.errors import StackError
from seatrial.stack.layout import Layout
from seatrial.stack.postgres import account, binaries, cluster, database, old_databases, server_folder
from seatrial_core import private_files
from seatrial_core.addresses import is_loopback_host
from seatrial_core.variables import unknown_variables

FREE_BYTES = 1024 * 2**20


@dataclass(frozen=True)
class Diagnosis:
    """The result of one check, and what to do when it fails."""

    check: str
    ok: bool
    found: str
    advice: str = ""


def examine(layout: Layout) -> list[Diagnosis]:
    """Run every check."""
    return list(_findings(layout))


def _findings(layout: Layout) -> Iterator[Diagnosis]:
    yield _python()
    yield _virtual_environment()
    yield _packages()
    yield _folder(layout)
    yield from _privacy(layout)
    yield _disk(layout)
    yield _programs(layout)
    yield _account(layout)
    yield from _variables(layout)
    yield from _old_databases()
    yield from _hosts()
    yield from _ports(layout)
    yield _database(layout)


def _python() -> Diagnosis:
    fine = (3, 11) <= sys.version_info < (3, 14)
    return Diagnosis("python", fine, sys.version.split()[0], "" if fine else "Use Python 3.11 to 3.13.")


def _virtual_environment() -> Diagnosis:
    return Diagnosis("environment", True, sys.prefix if sys.prefix != sys.base_prefix else "none (system Python)")


def _packages() -> Diagnosis:
    def look() -> str:
        services.check_installed(services.SERVICES)
        return "all importable"

    return _checked("services", look)


def _folder(layout: Layout) -> Diagnosis:
    target = layout.base if layout.base.exists() else layout.root
    fine = os.access(target, os.W_OK | os.X_OK)
    if fine and os.access(target, os.W_OK):
        try:
            probe = target / f".doctor-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            return Diagnosis(
                "folder", False, f"{target}: {error.strerror}", "Run seatrial in a folder you may write to."
            )
    return Diagnosis("folder", fine, str(target), "" if fine else "Run seatrial in a folder you may write to.")


def _privacy(layout: Layout) -> Iterator[Diagnosis]:
    if not layout.base.exists():
        return
    if not private_files.is_own(layout.base):
        advice = f"Run seatrial in another folder, or delete it as its owner: `rm -r {shlex.quote(str(layout.base))}`"
        yield Diagnosis("privacy", False, f"{layout.base} belongs to another user", advice)
        return
    exposed = [path for path in (layout.base, layout.token, layout.logs, layout.run) if _is_exposed(path)]
    if exposed:
        modes = ", ".join(f"{path} ({path.stat().st_mode & 0o777:04o})" for path in exposed)
        advice = f"`chmod -R go-rwx {shlex.quote(str(layout.base))}`"
        yield Diagnosis("privacy", False, f"other users may open {modes}", advice)
        return
    yield Diagnosis("privacy", True, f"only this user can open {layout.base}")


def _is_exposed(path: Path) -> bool:
    return path.exists() and private_files.is_exposed(path)


def _disk(layout: Layout) -> Diagnosis:
    place = layout.postgres.resolve() if layout.postgres.exists() else layout.root
    free = shutil.disk_usage(place).free
    fine = free >= FREE_BYTES
    return Diagnosis("disk", fine, f"{free // 2**20} MB free", "" if fine else "Free at least 1 GB.")


def _programs(layout: Layout) -> Diagnosis:
    if os.environ.get(database.VARIABLE):
        return Diagnosis("postgres programs", True, f"not needed, {database.VARIABLE} is set")

    def look() -> str:
        programs = binaries.find(cluster.version(layout.postgres.resolve() / "data"))
        return f"{programs.major} in {programs.folder}"

    return _checked("postgres programs", look)


def _account(layout: Layout) -> Diagnosis:
    def look() -> str:
        server_user = account.for_data(layout.postgres.resolve(), claims=False)
        if os.geteuid() == 0 and server_user.user is None:
            return "server will run as a user id that nothing else has"
        return f"server runs as uid {os.geteuid() if server_user.user is None else server_user.user}"

    return _checked("account", look)


def _variables(layout: Layout) -> Iterator[Diagnosis]:
    for sentence in unknown_variables(os.environ):
        command = f"unset {shlex.quote(sentence.split(' ')[0])}"
        yield Diagnosis("variables", True, f"warning: {sentence}", f"Correct the name, or: `{command}`")
    env_file = layout.root / ".env"
    if not (env_file.is_file() and os.access(env_file, os.R_OK)):
        return
    lines = env_file.read_text(encoding="utf-8", errors="replace").splitlines()
    names = {line.partition("=")[0].removeprefix("export ").strip() for line in lines if "=" in line}
    for sentence in unknown_variables(names):
        yield Diagnosis("variables", True, f"warning: .env: {sentence}", "Correct the name, or delete the line.")


def _old_databases() -> Iterator[Diagnosis]:
    count = len(old_databases.find())
    if count:
        advice = "`seatrial reset --stale` lists them, and says how to delete them."
        yield Diagnosis("old databases", True, f"{count} in {server_folder.SHARED} without a working folder", advice)


def _hosts() -> Iterator[Diagnosis]:
    for service in services.SERVICES:
        host = os.environ.get(f"{service.prefix}HOST", "")
        if host and not is_loopback_host(host):
            advice = f"If only this machine uses it: `unset {service.prefix}HOST`"
            yield Diagnosis("hosts", True, f"warning: other machines can reach {service.name} on {host}", advice)


def _ports(layout: Layout) -> Iterator[Diagnosis]:
    running = supervisor_pid(layout)
    try:
        where = services.addresses(services.SERVICES, os.environ)
    except StackError as error:
        yield Diagnosis("ports", False, str(error), "Correct the variable.")
        return
    for service in services.SERVICES:
        address = where[service.name]
        if running is not None:
            yield Diagnosis(f"port {address.port}", True, f"{service.name}: used by this stack (process {running})")
            continue
        fine = ports.is_free(address.port, address.host)
        usage = f"{service.name}: free" if fine else f"{service.name}: taken by {ports.holder(address.port)}"
        yield Diagnosis(
            f"port {address.port}", fine, usage, "" if fine else f"`export {service.prefix}PORT={ports.free()}`"
        )


def _database(layout: Layout) -> Diagnosis:
    url = os.environ.get(database.VARIABLE, "").strip()

    def look() -> str:
        if url:
            database.check_url(url)
            database.reach(url)
            return f"{database.VARIABLE} answers"
        embedded = database.embedded_url(layout)
        if embedded is None:
            return "embedded, not running (`seatrial up` starts it)"
        database.reach(embedded, is_ours=True)
        return "embedded, answers"

    return _checked("database", look)


def _checked(check: str, look: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(check, True, look())
    except StackError as error:
        return Diagnosis(check, False, "failed", str(error))
