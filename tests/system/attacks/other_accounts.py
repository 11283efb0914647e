"""Runs a program as every unprivileged account of the machine."""

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

IS_ROOT = os.geteuid() == 0
# An account without a name; the named ones follow, `nobody` among them.
STRANGER = 65_531 if IS_ROOT else None
_PREAMBLE = """
import json, os, pwd, sys
accounts = json.loads(sys.argv[1])
for uid, gid, groups in accounts:
    child = os.fork()
    if child:
        if os.waitpid(child, 0)[1] != 0:
            sys.exit(f"the program failed as uid {uid}")
        continue
    os.setgroups(groups)
    os.setgid(gid)
    os.setuid(uid)
    try:
        print(json.dumps([uid, attempt(*sys.argv[2:])]), flush=True)
        os._exit(0)
    except BaseException as error:
        sys.stderr.write(f"{error!r}")
        os._exit(1)
"""


def outsiders() -> list[tuple[int, int, list[int]]]:
    """Return number, group and further groups of each account that is not root; none when we are not root."""
    if STRANGER is None:
        return []
    named = [
        (entry.pw_uid, entry.pw_gid, os.getgrouplist(entry.pw_name, entry.pw_gid))
        for entry in pwd.getpwall()
        if entry.pw_uid != 0
    ]
    return [(STRANGER, STRANGER, []), *named]


def attempts(definition: str, *arguments: str | Path) -> dict[int, object]:
    """Return what the function `attempt` of a program returns as each account."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", definition + _PREAMBLE, json.dumps(outsiders()), *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd="/", env={"PATH": os.defpath},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = dict(json.loads(line) for line in done.stdout.splitlines())
    assert set(results) == {uid for uid, _, _ in outsiders()}
    return results
