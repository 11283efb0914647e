"""The login role of each service and the migrator that owns the schemas: created, updated and given their rights."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import psycopg
from psycopg import sql

from seatrial_core.errors import DatabaseUnreachable, SettingsError
from seatrial_service.db import grants
from seatrial_service.db.grants import MIGRATOR, Connection

CONNECT_SECONDS = 10
ROLE_LOCK = 7_245_303  # differs from the migrations' and the partitions' locks
ATTEMPTS = 10
RETRY_SECONDS = 0.3
# Two steps for two databases of one server change the same roles; the loser of such a race tries again.
RETRIED = (
    psycopg.errors.InternalError_,
    psycopg.errors.UniqueViolation,
    psycopg.errors.DuplicateObject,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.UndefinedObject,
)
ATTRIBUTES = {
    "rolsuper": "NOSUPERUSER",
    "rolcreatedb": "NOCREATEDB",
    "rolcreaterole": "NOCREATEROLE",
    "rolreplication": "NOREPLICATION",
    "rolbypassrls": "NOBYPASSRLS",
}
TIMEOUTS = {
    "statement_timeout": "30s",
    "lock_timeout": "15s",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
}
TEMPORARY_FILES = "1GB"  # for sorts of one session; only a superuser can set or raise it

# Connections that a role may have open: two replicas, each with a full pool, its LISTEN connection and its start check.
CONNECTIONS = {"metrics": 30, "alerts": 26, "backtest": 40, "engine": 30, "stress": 16, "migrator": 8}

# The variables of the migration step: the password of a role, and its most connections.
VARIABLES = {
    "metrics": ("SEATRIAL_METRICS_DATABASE_PASSWORD", "SEATRIAL_METRICS_DATABASE_CONNECTIONS"),
    "alerts": ("SEATRIAL_ALERTS_DATABASE_PASSWORD", "SEATRIAL_ALERTS_DATABASE_CONNECTIONS"),
    "backtest": ("SEATRIAL_BACKTEST_DATABASE_PASSWORD", "SEATRIAL_BACKTEST_DATABASE_CONNECTIONS"),
    "engine": ("SEATRIAL_ENGINE_DATABASE_PASSWORD", "SEATRIAL_ENGINE_DATABASE_CONNECTIONS"),
    "stress": ("SEATRIAL_STRESS_DATABASE_PASSWORD", "SEATRIAL_STRESS_DATABASE_CONNECTIONS"),
    "migrator": ("SEATRIAL_MIGRATOR_DATABASE_PASSWORD", "SEATRIAL_MIGRATOR_DATABASE_CONNECTIONS"),
}


@dataclass(frozen=True)
class RoleRequest:
    """What the migration step is asked to make.

    Args:
        passwords: Password by service name, and that of `migrator`; without one a role is left as it is.
        connections: Most open connections by the same names.
        is_server_dedicated: Whether the server has no other users, so that its other databases may be closed too.
    """

    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    connections: Mapping[str, int] = field(default_factory=lambda: dict(CONNECTIONS))
    is_server_dedicated: bool = False

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read SEATRIAL_<SERVICE>_DATABASE_PASSWORD, _DATABASE_CONNECTIONS and SEATRIAL_DATABASE_DEDICATED.

        Raises:
            SettingsError: A number of connections is not one.
        """
        passwords = {}
        connections = dict(CONNECTIONS)
        for name, (password_variable, variable) in VARIABLES.items():
            secret = environment.get(password_variable, "")
            if secret:
                passwords[name] = secret
            text = environment.get(variable, "").strip()
            if text:
                if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 10_000):
                    raise SettingsError(f"{variable} must be a number from 1 to 10000, found {text!r}")
                connections[name] = int(text)
        return cls(passwords, connections, environment.get("SEATRIAL_DATABASE_DEDICATED", "") == "1")


def role_name(service: str) -> str:
    """Return the name of a service's role, or of the migrator."""
    return f"seatrial_{service}"


def provision(url: str, request: RoleRequest) -> None:
    """Create or update the requested roles, then give every role that exists the rights of this version.

    Without passwords and without roles nothing is done: all services then share the user of SEATRIAL_DATABASE_URL.

    Args:
        url: The address of the database as its owner or as an administrator, migrated already.
        request: Which roles to make.

    Raises:
        DatabaseUnreachable: Postgres does not answer.
        SettingsError: The user of the address may not do it.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with psycopg.connect(url, connect_timeout=CONNECT_SECONDS, application_name="seatrial-roles") as connection:
                _provision(connection, request)
            return
        except RETRIED as error:
            if attempt == ATTEMPTS:
                raise DatabaseUnreachable(f"cannot update the roles: {_message(error)}; try again") from error
            time.sleep(RETRY_SECONDS * attempt)
        except psycopg.errors.InsufficientPrivilege as error:
            raise SettingsError(
                f"the database user may not update the roles: {_message(error)}; run the migration as a superuser or "
                "as the user that created the roles (docs/database.md)"
            ) from error
        except psycopg.OperationalError as error:
            raise DatabaseUnreachable(
                f"cannot update the roles: {_message(error)}; check SEATRIAL_DATABASE_URL"
            ) from error


def _message(error: psycopg.Error) -> str:
    # The primary message alone: a detail may quote the statement.
    return error.diag.message_primary or " ".join(str(error).split())


def _provision(connection: Connection, request: RoleRequest) -> None:
    connection.execute("SET LOCAL search_path TO pg_catalog")
    connection.execute("SET LOCAL lock_timeout TO '5s'")
    connection.execute("SET LOCAL statement_timeout TO '60s'")
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (ROLE_LOCK,))
    row = connection.execute(
        "SELECT rolname, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    assert row is not None, "the current user has a role"
    user, is_superuser, may_create_roles = str(row[0]), bool(row[1]), bool(row[2])
    if request.passwords:
        if not (is_superuser or may_create_roles):
            raise SettingsError(
                f"the database user {user} may not create roles, but SEATRIAL_..._DATABASE_PASSWORD is set; run the "
                "migration as a superuser, or unset the passwords and create the roles yourself (docs/database.md)"
            )
        for name in CONNECTIONS:
            if name in request.passwords or name == "migrator":
                _make_role(connection, name, request, is_superuser=is_superuser)
    roles = _existing(connection)
    if not roles:
        return
    if user != MIGRATOR and MIGRATOR in roles:
        if not is_superuser:
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(MIGRATOR)))
        grants.hand_over(connection)
    services = [name for name in CONNECTIONS if name != "migrator" and role_name(name) in roles]
    grants.grant_schemas(connection, services)
    if is_superuser or may_create_roles:
        grants.close_database(connection, services)
    if is_superuser:
        grants.close_server(connection, is_dedicated=request.is_server_dedicated)


def _existing(connection: Connection) -> set[str]:
    names = [role_name(name) for name in CONNECTIONS]
    rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", (names,))
    return {str(row[0]) for row in rows}


def _make_role(connection: Connection, name: str, request: RoleRequest, *, is_superuser: bool) -> None:
    role = role_name(name)
    identifier = sql.Identifier(role)
    columns = sql.SQL(", ").join(map(sql.Identifier, ATTRIBUTES))
    row = connection.execute(sql.SQL("SELECT {} FROM pg_roles WHERE rolname = %s").format(columns), (role,)).fetchone()
    if row is None:
        attributes = sql.SQL(" ".join(ATTRIBUTES.values()))
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN {}").format(identifier, attributes))
    else:
        excess = [word for word, is_set in zip(ATTRIBUTES.values(), row, strict=True) if is_set]
        if excess:
            connection.execute(sql.SQL("ALTER ROLE {} {}").format(identifier, sql.SQL(" ".join(excess))))
    connection.execute(
        sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(identifier, sql.Literal(request.connections[name]))
    )
    secret = request.passwords.get(name)
    if secret is not None:
        connection.execute(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
                identifier, sql.Literal(_verifier(connection, role, secret))
            )
        )
    if name != "migrator":
        _limit(connection, name, is_superuser=is_superuser)
        _leave_groups(connection, role)


def _verifier(connection: Connection, role: str, secret: str) -> str:
    # Computed here, so that the server's log of statements never holds the password itself.
    encoding = connection.info.encoding
    return connection.pgconn.encrypt_password(secret.encode(encoding), role.encode(encoding), b"scram-sha-256").decode()


def _limit(connection: Connection, service: str, *, is_superuser: bool) -> None:
    settings = {**TIMEOUTS, "search_path": service}
    if is_superuser:
        settings["temp_file_limit"] = TEMPORARY_FILES
    for setting, value in settings.items():
        connection.execute(
            sql.SQL("ALTER ROLE {} SET {} TO {}").format(
                sql.Identifier(role_name(service)), sql.Identifier(setting), sql.Literal(value)
            )
        )


def _leave_groups(connection: Connection, role: str) -> None:
    groups = connection.execute(
        "SELECT granted.rolname FROM pg_auth_members JOIN pg_roles AS granted ON granted.oid = roleid "
        "JOIN pg_roles AS member ON member.oid = member WHERE member.rolname = %s",
        (role,),
    ).fetchall()
    for (group,) in groups:
        connection.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(str(group)), sql.Identifier(role)))
