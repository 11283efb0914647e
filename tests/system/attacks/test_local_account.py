"""Attacks of another account of the same machine."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import PLANTED, WEBHOOK_SECRET, WEBHOOK_TOKEN, AttackedStack
from tests.system.attacks.other_accounts import STRANGER, attempts

# Returns the command lines and environments that an account can read.
READ_PROCESSES = """
import contextlib, os
def attempt():
    text = ""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/{name}", errors="replace") as file:
                    text += file.read()
    return text
"""
POSTGRES_VARIABLES = {"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LC_ALL", "TZ", "LC_CTYPE", "PG_GRANDPARENT_PID"}


def secrets_of(stack: AttackedStack) -> list[str]:
    password = urlsplit(stack.database_url).password
    assert password is not None
    return [*PLANTED.values(), stack.token, password, WEBHOOK_SECRET, WEBHOOK_TOKEN]


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


@attack(
    "Read the command line and environment of every process as another account",
    expects="no token, password or cloud key",
)
def test_processes_show_no_secret(stack: AttackedStack) -> str:
    for user, text in attempts(READ_PROCESSES).items():
        assert "child_watchdog.py" in str(text), "the account cannot read command lines on this machine"
        shown = [secret for secret in secrets_of(stack) if secret in str(text)]
        if shown:
            return f"uid {user} read {shown}"
    lines = [" ".join(process.cmdline()) for process in children()]
    shown = [line for line in lines for secret in secrets_of(stack) if secret in line]
    return "; ".join(shown) or "no token, password or cloud key"


@attack(
    "Read the environment of a service after taking it over",
    expects="no cloud key anywhere, the webhook secret of alerts in alerts only, nothing in PostgreSQL",
)
def test_children_have_no_secret_of_another(stack: AttackedStack) -> str:
    problems = []
    for process in children():
        line, variables = " ".join(process.cmdline()), process.environ()
        own = {name for name, value in PLANTED.items() if value in variables.values()}
        allowed = {"ALERT_WEBHOOK_SECRET"} if "seatrial_alerts" in line else set()
        if own - allowed:
            problems.append(f"{line}: {sorted(own - allowed)}")
        if process.name() == "postgres" and set(variables) - POSTGRES_VARIABLES:
            problems.append(f"postgres: {sorted(set(variables) - POSTGRES_VARIABLES)}")
    return "; ".join(problems) or (
        "no cloud key anywhere, the webhook secret of alerts in alerts only, nothing in PostgreSQL"
    )


@attack("Open the token, logs, run files and data of a stack", expects="every file is private to its owner")
def test_files_are_private(stack: AttackedStack) -> str:
    base = stack.layout.base
    folders = [base, base.resolve(), stack.layout.logs, stack.layout.run]
    files = [file for folder in (base, stack.layout.logs, stack.layout.run) for file in folder.iterdir()]
    server = stack.layout.postgres.resolve()
    files += [server / name for name in ("password", "role-passwords.json", "socket", "server.log", "lock")]
    paths = [*folders, *files, server / "data"]
    open_paths = [
        f"{path} {stat.S_IMODE(path.stat().st_mode):04o}"
        for path in paths
        if path.exists() and not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    return "; ".join(open_paths) or "every file is private to its owner"


@attack("Plant a .seatrial folder in a shared folder", expects="neither read nor written")
def test_planted_folder_is_not_used(stack: AttackedStack, tmp_path: Path) -> str:
    del stack
    planted = tmp_path / ".seatrial"
    (planted / "run").mkdir(parents=True)
    (planted / "token").write_text("the-token-of-the-attacker\n")
    if STRANGER is None:
        return "neither read nor written"  # only root can make a folder of another account
    os.chown(planted, STRANGER, STRANGER)
    tmp_path.chmod(0o1777)
    code = (
        "from seatrial.stack.layout import Layout; from seatrial_core.clients import find_token\n"
        "from seatrial.stack.errors import StackError\n"
        "print(Layout.nearest().base, find_token())\n"
        "try:\n    Layout.here().make(); print('made')\nexcept StackError as error:\n    print(error)"
    )
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("SEATRIAL_TOKEN", None)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    refused = "the-token-of-the-attacker" not in done.stdout and "belongs to another user" in done.stdout
    return "neither read nor written" if refused else done.stdout
