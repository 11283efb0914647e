"""Attacks of a service that was taken over: with its own address of the database and its own token."""

from urllib.parse import urlsplit

import httpx
import psutil
import psycopg
import pytest
from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import AttackedStack

from seatrial.stack.services import SERVICES

NAMES = [service.name for service in SERVICES]
FORBIDDEN = (
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "COPY (SELECT 1) TO '/tmp/planted-by-a-service'",
    "SELECT pg_read_file('/etc/passwd')",
    "ALTER SYSTEM SET fsync = off",
    "SET ROLE seatrial",
    "SET ROLE seatrial_migrator",
    "SET SESSION AUTHORIZATION seatrial",
    "CREATE TABLE planted ()",
    "CREATE TABLE public.planted ()",
    "CREATE TEMPORARY TABLE planted ()",
    "CREATE SCHEMA planted",
    "CREATE ROLE planted SUPERUSER",
    "SELECT lo_create(0)",
    "SELECT rolpassword FROM pg_authid",
    "DELETE FROM access.tokens",
    "UPDATE public.alembic_version SET version_num = 'planted'",
)
TABLES = {
    "metrics": "metrics.events",
    "alerts": "alerts.rules",
    "backtest": "backtest.jobs",
    "engine": "engine.orders",
    "stress": "stress.runs",
}
# Calls that a service's token must not make, besides those of services that know no token of it.
CALLS = (
    ("metrics", "POST", "/v1/events", "events:write"),
    ("metrics", "GET", "/v1/snapshot", "metrics:read"),
    ("alerts", "GET", "/v1/alerts", "alerts:read"),
    ("alerts", "DELETE", "/v1/rules/planted", "alerts:write"),
    ("backtest", "GET", "/v1/backtests", "backtest:read"),
    ("backtest", "POST", "/v1/backtests", "backtest:run"),
    ("engine", "GET", "/v1/orders", "engine:trade"),
    ("engine", "POST", "/v1/control/halt", "engine:control"),
    ("stress", "GET", "/v1/runs", "stress:read"),
    ("stress", "POST", "/v1/runs", "stress:run"),
    ("stress", "POST", "/v1/workers/w/assignment", "stress:work"),
)
NEEDED = {
    "alerts": {("metrics", "metrics:read"), ("engine", "engine:control")},
    "engine": {("metrics", "events:write")},
    "stress": {("engine", "engine:trade")},
}


def environments() -> dict[str, dict[str, str]]:
    """Return the environment of the process of each service."""
    variables = {}
    for process in psutil.Process().children(recursive=True):
        line = process.cmdline()
        for name in NAMES:
            if line[-2:] == ["-m", f"seatrial_{name}"]:
                variables[name] = process.environ()
    assert sorted(variables) == sorted(NAMES)
    return variables


@attack(
    "Run programs, read files, change roles or make tables with a service's database address",
    expects="refused for all five services",
)
def test_a_service_cannot_leave_its_role(stack: AttackedStack) -> str:
    del stack
    allowed = []
    for name, variables in environments().items():
        with psycopg.connect(variables["SEATRIAL_DATABASE_URL"], autocommit=True, connect_timeout=10) as connection:
            for statement in FORBIDDEN:
                try:
                    connection.execute(statement.encode())
                    allowed.append(f"{name}: {statement}")
                except psycopg.errors.InsufficientPrivilege:
                    continue
    return "; ".join(allowed) or "refused for all five services"


@attack("Read the tables of every other service with a service's database address", expects="its own schema only")
def test_a_service_reads_its_own_schema_only(stack: AttackedStack) -> str:
    del stack
    wrong = []
    for name, variables in environments().items():
        with psycopg.connect(variables["SEATRIAL_DATABASE_URL"], autocommit=True, connect_timeout=10) as connection:
            for schema, table in TABLES.items():
                try:
                    connection.execute(f"SELECT FROM {table} LIMIT 1".encode())
                    may = True
                except psycopg.errors.InsufficientPrivilege:
                    may = False
                if may is not (schema == name):
                    wrong.append(f"{name}: {table}")
    return "; ".join(wrong) or "its own schema only"


@attack("Enter another database of the server with a service's database address", expects="refused")
def test_a_service_enters_its_own_database_only(stack: AttackedStack) -> str:
    del stack
    entered = []
    for name, variables in environments().items():
        for database in ("postgres", "template1"):
            address = urlsplit(variables["SEATRIAL_DATABASE_URL"])._replace(path=f"/{database}").geturl()
            try:
                psycopg.connect(address, connect_timeout=10).close()
                entered.append(f"{name}: {database}")
            except psycopg.OperationalError:
                continue
    return "; ".join(entered) or "refused"


@attack("Hold a transaction open or sleep in the database as a service", expects="ended by the limits of the role")
def test_the_role_has_time_limits(stack: AttackedStack) -> str:
    del stack
    limits = {}
    for name, variables in environments().items():
        with psycopg.connect(variables["SEATRIAL_DATABASE_URL"], autocommit=True, connect_timeout=10) as connection:
            row = connection.execute(
                "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), "
                "current_setting('idle_in_transaction_session_timeout'), current_setting('temp_file_limit')"
            ).fetchone()
            limits[name] = row
            connection.execute("SET statement_timeout TO '200ms'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("SELECT pg_sleep(20)")
    unlimited = [f"{name}: {row}" for name, row in limits.items() if row != ("30s", "15s", "1min", "1GB")]
    return "; ".join(unlimited) or "ended by the limits of the role"


@attack(
    "Look for the owner's database password and token in the environment of a service",
    expects="its own role and no token that another service accepts for more",
)
def test_a_service_holds_no_secret_of_the_owner(stack: AttackedStack) -> str:
    password = urlsplit(stack.database_url).password
    assert password is not None
    variables = environments()
    tokens = {name: one["SEATRIAL_TOKEN"] for name, one in variables.items()}
    problems = []
    for name, one in variables.items():
        others = {token for other, token in tokens.items() if token and other != name}
        leaks = [variable for variable, value in one.items() for secret in (password, stack.token) if secret in value]
        leaks += [variable for variable, value in one.items() for secret in others if secret in value]
        if leaks or urlsplit(one["SEATRIAL_DATABASE_URL"]).username != f"seatrial_{name}":
            problems.append(f"{name}: {leaks}")
    return "; ".join(problems) or "its own role and no token that another service accepts for more"


@attack("Call every service with the token of a service that was taken over", expects="only what that service calls")
def test_a_services_token_has_its_scopes_only(stack: AttackedStack) -> str:
    wrong = []
    for name, variables in environments().items():
        token = variables["SEATRIAL_TOKEN"]
        for service, method, path, scope in CALLS:
            if (service, scope) in NEEDED.get(name, set()):
                continue
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            answer = httpx.request(
                method, f"{stack.urls[service]}{path}", headers=headers, json={}, timeout=10, trust_env=False
            )
            if answer.status_code not in (401, 403):
                wrong.append(f"{name}: {method} {service}{path} {answer.status_code}")
    return "; ".join(wrong) or "only what that service calls"
