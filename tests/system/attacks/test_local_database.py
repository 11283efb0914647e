"""Attacks of another account of the same machine on the embedded database."""

import contextlib
import os
import socket
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg
from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import AttackedStack
from tests.system.attacks.other_accounts import IS_ROOT, attempts, outsiders

from seatrial.stack.postgres import postmaster

CONNECTIONS = 600
# Returns what an account was able to do to the server.
ATTACK = """
import contextlib, os, signal, socket
def attempt(server, folder, pid):
    done = []
    for path in (folder, server + "/data", server + "/data/pg_hba.conf", server + "/data/base", server + "/password",
                 server + "/role-passwords.json", server + "/server.log", server + "/data/postmaster.pid"):
        for mode in (os.R_OK, os.W_OK):
            if os.access(path, mode):
                done.append(f"opened {path}")
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_RDONLY))
            done.append(f"read {path}")
    for name in ("data", "socket", "planted"):
        with contextlib.suppress(OSError):
            os.rename(server + "/" + name, server + "/" + name + ".old")
            done.append(f"renamed {name}")
        with contextlib.suppress(OSError):
            os.mkdir(server + "/" + name + ".planted")
            done.append(f"wrote next to {name}")
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        with contextlib.suppress(OSError):
            if name.isdigit() and open(f"/proc/{name}/comm").read().strip() == "postgres" and int(name) in group(pid):
                for number in (0, signal.SIGHUP):
                    with contextlib.suppress(OSError):
                        os.kill(int(name), number)
                        done.append(f"signalled {name}")
                for entry in ("environ", "mem", "maps", "fd", "cwd", "root"):
                    with contextlib.suppress(OSError):
                        if entry == "fd":
                            os.listdir(f"/proc/{name}/fd")
                        elif entry in ("cwd", "root"):
                            os.readlink(f"/proc/{name}/{entry}")
                        else:
                            os.close(os.open(f"/proc/{name}/{entry}", os.O_RDONLY))
                        done.append(f"read {entry} of {name}")
    for name in (".s.PGSQL.5432", ".s.PGSQL.5433"):
        connection = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError):
            connection.connect(folder + "/" + name)
            done.append("connected")
    return done
def group(pid):
    return [int(one) for one in pid.split(",")]
"""


def socket_folder(stack: AttackedStack) -> str:
    return parse_qs(urlsplit(stack.database_url).query)["host"][0]


def server_process(stack: AttackedStack) -> psutil.Process:
    state = postmaster.read(stack.layout.postgres.resolve() / "data")
    assert state is not None
    return psutil.Process(state.pid)


@attack(
    "Open the socket, the files and the processes of the database as every other account of the machine",
    expects="refused for every account, `nobody` included",
)
def test_other_accounts_reach_no_part_of_the_server(stack: AttackedStack) -> str:
    server, folder = stack.layout.postgres.resolve(), socket_folder(stack)
    processes = [server_process(stack), *server_process(stack).children(recursive=True)]
    results = attempts(ATTACK, server, folder, ",".join(str(process.pid) for process in processes))
    assert not IS_ROOT or len(results) > 2
    assert Path(folder, ".s.PGSQL.5432").is_socket()
    gained = [f"uid {uid}: {done}" for uid, done in results.items() if done]
    return "; ".join(gained) or "refused for every account, `nobody` included"


@attack(
    "Look for another process, name or group of the account that runs the database",
    expects="nothing else on the machine has it",
)
def test_the_account_of_the_server_is_its_own(stack: AttackedStack) -> str:
    server = server_process(stack)
    family = {server.pid, *(child.pid for child in server.children(recursive=True))}
    if not IS_ROOT:
        assert server.uids().real == os.geteuid()
        return "nothing else on the machine has it"
    number = server.uids().real
    sharing = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            parents = {parent.pid for parent in process.parents()}
            if number in {*process.uids(), *process.gids()} and not {process.pid, *parents} & family:
                sharing.append(f"{process.pid} {process.name()}")
    named = [uid for uid, gid, groups in outsiders() if number in {uid, gid, *groups}]
    assert server.uids() == (number,) * 3
    assert server.gids() == (number,) * 3
    return "; ".join([*sharing, *map(str, named)]) or "nothing else on the machine has it"


@attack(f"Take the places of the database with {CONNECTIONS} connections by TCP", expects="nothing listens")
def test_no_place_is_taken_by_tcp(stack: AttackedStack) -> str:
    reached = 0
    for _ in range(CONNECTIONS):
        with socket.socket() as connection:
            reached += connection.connect_ex(("127.0.0.1", 5432)) == 0
    ports = {entry.laddr.port for entry in server_process(stack).net_connections("inet")}
    if ports:
        return f"the server has ports {sorted(ports)}"
    assert not reached, "another PostgreSQL of this machine uses port 5432; run the attacks in a network namespace"
    return "nothing listens"


@attack("Connect to the database without its password", expects="refused for every role and database")
def test_database_needs_its_password(stack: AttackedStack) -> str:
    entered = []
    for user in ("seatrial", "postgres", "root", "nobody"):
        for name in ("seatrial", "postgres", "template1"):
            for password in ("", "seatrial", "postgres"):
                with contextlib.suppress(psycopg.OperationalError):
                    psycopg.connect(
                        host=socket_folder(stack), port=5432, user=user, dbname=name, password=password,
                        connect_timeout=5,
                    ).close()  # fmt: skip
                    entered.append(f"{user} {name}")
    rules = (stack.layout.postgres.resolve() / "data" / "pg_hba.conf").read_text(encoding="utf-8").splitlines()
    weak = [rule for rule in rules if rule.strip() and rule.lstrip()[0] != "#" and "scram-sha-256" not in rule]
    return "; ".join([*entered, *weak]) or "refused for every role and database"
