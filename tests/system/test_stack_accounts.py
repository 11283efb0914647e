"""The account of a server that root starts: how its files are made, moved over, and given back."""

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from seatrial.stack.postgres import dedicated_account, postmaster
from seatrial.stack.postgres.server import PostgresServer

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another account"),
]

FAST = {"fsync": "off"}
# As `nobody`, until stdin closes: what can be opened of the folder that initdb fills, and of its processes.
WATCH = """
import contextlib, glob, json, os, select, sys
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[1]))
seen, read = set(), set()
while not select.select([sys.stdin], [], [], 0.002)[0]:
    for folder in glob.glob("/var/lib/seatrial/*/data.new"):
        seen.add("folder")
        for path in (folder, folder + "/data", folder + "/password", folder + "/data/pg_hba.conf"):
            with contextlib.suppress(OSError):
                os.close(os.open(path, os.O_RDONLY))
                read.add(path)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            state = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status").read().splitlines())
            if int(state["Gid"].split()[0]) < 70_000 or int(state["Uid"].split()[0]) != os.getuid():
                continue
            seen.add("process")
            for entry in ("environ", "mem", "cwd", "root"):
                with contextlib.suppress(OSError):
                    path = f"/proc/{pid}/{entry}"
                    os.readlink(path) if entry in ("cwd", "root") else os.close(os.open(path, os.O_RDONLY))
                    read.add(path)
print(json.dumps([sorted(seen), sorted(read)]))
"""


def unprivileged() -> tuple[int, int]:
    """Return user and group of `nobody`."""
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def test_initdb_shows_nothing_to_other_processes_of_its_account(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "postgres", settings=FAST)
    command = [sys.executable, "-I", "-S", "-W", "ignore", "-c", WATCH, *map(str, unprivileged())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", env={}) as watcher:
        try:
            server.start()
        finally:
            output, _ = watcher.communicate()
            server.remove()
    seen, read = json.loads(output)

    assert seen == ["folder", "process"], "initdb was over before the account looked"
    assert not read


def test_older_data_gets_an_account_that_nothing_else_has(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "postgres", settings=FAST)
    with server, psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    foreign = server.data / "link-of-somebody-else"
    for path in (server.data, *server.data.rglob("*")):
        os.chown(path, *unprivileged(), follow_symlinks=False)
    foreign.write_text("of root")

    with server:
        state = postmaster.read(server.data)
        owners = {path.lstat().st_uid for path in server.data.rglob("*") if path != foreign}
        with psycopg.connect(server.url()) as connection:
            rows = connection.execute("SELECT number FROM kept").fetchall()

    assert state is not None
    assert rows == [(7,)]
    assert owners == {server.data.stat().st_uid} == {dedicated_account.claimed(server.folder.resolve())}
    assert foreign.stat().st_uid == 0
    server.remove()


def test_servers_have_different_accounts_and_give_them_back(tmp_path: Path) -> None:
    first, second = (PostgresServer(tmp_path / name / "postgres", settings=FAST) for name in ("first", "second"))
    with first, second:
        owners = {server.data.stat().st_uid for server in (first, second)}
    folder = first.folder.resolve()

    first.remove()
    second.remove()

    assert len(owners) == 2
    assert not owners & {entry.pw_uid for entry in pwd.getpwall()}
    assert dedicated_account.claimed(folder) is None
