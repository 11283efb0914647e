"""Owners and rights in one database: the migrator owns all schemas, each service writes its own, PUBLIC has nothing."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import psycopg
from psycopg import sql

from seatrial_service.db.rights import READ, READ_BY_ALL, RIGHTS

MIGRATOR = "seatrial_migrator"
Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]  # Any: columns of many types

_MISOWNED = """
    WITH spaces AS (SELECT oid, nspname, nspowner FROM pg_namespace WHERE nspname = ANY(%(schemas)s)),
        migrator AS (SELECT oid FROM pg_roles WHERE rolname = %(migrator)s)
    SELECT format('ALTER SCHEMA %%I OWNER TO %%I', nspname, %(migrator)s::text)
    FROM spaces WHERE nspname <> 'public' AND nspowner <> (SELECT oid FROM migrator)
    UNION ALL
    SELECT format(
        'ALTER %%s %%I.%%I OWNER TO %%I',
        CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
        nspname, relname, %(migrator)s::text)
    FROM pg_class JOIN spaces ON spaces.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND relowner <> (SELECT oid FROM migrator)
        AND (nspname <> 'public' OR relname = ANY(%(public)s))
        -- the sequence of a column follows its table
        AND NOT (relkind = 'S' AND EXISTS (
            SELECT FROM pg_depend
            WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype IN ('a', 'i')
                AND refclassid = 'pg_class'::regclass))
    UNION ALL
    SELECT format('ALTER ROUTINE %%s OWNER TO %%I', pg_proc.oid::regprocedure, %(migrator)s::text)
    FROM pg_proc JOIN spaces ON spaces.oid = pronamespace
    WHERE proowner <> (SELECT oid FROM migrator) AND nspname <> 'public'
    UNION ALL
    SELECT format('ALTER TYPE %%I.%%I OWNER TO %%I', nspname, typname, %(migrator)s::text)
    FROM pg_type JOIN spaces ON spaces.oid = typnamespace LEFT JOIN pg_class ON pg_class.oid = typrelid
    WHERE typowner <> (SELECT oid FROM migrator) AND nspname <> 'public'
        AND (typtype IN ('e', 'd') OR (typtype = 'c' AND relkind = 'c'))
"""
_IN_PUBLIC = ("alembic_version", "performance_metrics", "alerts")  # the version, and the guide's views
# They let any user fill the disk; no service uses large objects.
_LARGE_OBJECTS = ("lo_create(oid)", "lo_creat(integer)", "lo_from_bytea(oid, bytea)", "lo_put(oid, bigint, bytea)")


def hand_over(connection: Connection) -> None:
    """Make the migrator the owner of every schema and of all that is in it; objects it owns already are not touched."""
    database = sql.Identifier(str(connection.info.dbname))
    migrator = sql.Identifier(MIGRATOR)
    _execute(
        connection,
        (
            sql.SQL("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {}").format(database, migrator),
            sql.SQL("GRANT USAGE, CREATE ON SCHEMA public TO {}").format(migrator),
        ),
    )
    parameters = {"schemas": [*_schemas(connection), "public"], "migrator": MIGRATOR, "public": list(_IN_PUBLIC)}
    for (statement,) in connection.execute(_MISOWNED, parameters).fetchall():
        connection.execute(statement)


def grant_schemas(connection: Connection, services: Sequence[str]) -> None:
    """Give each service the rights on the tables of its schema, and take away every other right on our schemas."""
    others = sql.SQL(", ").join([sql.SQL("PUBLIC"), *(_role(service) for service in services)])
    for schema in _schemas(connection):
        space = sql.Identifier(schema)
        for kind in ("ALL TABLES IN SCHEMA", "ALL SEQUENCES IN SCHEMA", "ALL ROUTINES IN SCHEMA", "SCHEMA"):
            connection.execute(sql.SQL("REVOKE ALL ON {} {} FROM {}").format(sql.SQL(kind), space, others))
        if schema in services:
            _grant_own(connection, schema)
    for schema, tables in READ_BY_ALL.items():
        for table in _tables(connection, schema) & set(tables):
            place = sql.Identifier(schema, table)
            connection.execute(sql.SQL("REVOKE ALL ON TABLE {} FROM {}").format(place, others))
            for service in services:
                connection.execute(sql.SQL("GRANT {} ON TABLE {} TO {}").format(sql.SQL(READ), place, _role(service)))
                connection.execute(
                    sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), _role(service))
                )


def close_database(connection: Connection, services: Sequence[str]) -> None:
    """Let only the roles of Seatrial connect, and only the migrator create anything."""
    database = sql.Identifier(str(connection.info.dbname))
    _execute(
        connection,
        (
            sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database),
            sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
            *(sql.SQL("REVOKE ALL ON DATABASE {} FROM {}").format(database, _role(service)) for service in services),
            *(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, _role(service)) for service in services),
        ),
    )


def close_server(connection: Connection, *, is_dedicated: bool) -> None:
    """Take from PUBLIC what only a superuser can take: large objects, and on our own server the other databases."""
    for function in _LARGE_OBJECTS:
        connection.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION pg_catalog.{} FROM PUBLIC").format(sql.SQL(function)))
    if not is_dedicated:
        return
    rows = connection.execute("SELECT datname FROM pg_database WHERE datname <> current_database()").fetchall()
    for (name,) in rows:
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(str(name))))


def _grant_own(connection: Connection, schema: str) -> None:
    space, role = sql.Identifier(schema), _role(schema)
    for what in ("USAGE ON SCHEMA", "USAGE ON ALL SEQUENCES IN SCHEMA", "EXECUTE ON ALL ROUTINES IN SCHEMA"):
        connection.execute(sql.SQL("GRANT {} {} TO {}").format(sql.SQL(what), space, role))
    existing = _tables(connection, schema)
    for table, rights in RIGHTS[schema].items():
        if table in existing:
            place = sql.Identifier(schema, table)
            connection.execute(sql.SQL("GRANT {} ON TABLE {} TO {}").format(sql.SQL(rights), place, role))


def _schemas(connection: Connection) -> list[str]:
    names = sorted({*RIGHTS, *(schema for schema in READ_BY_ALL if schema != "public")})
    rows = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", (names,)).fetchall()
    return [str(row[0]) for row in rows]


def _tables(connection: Connection, schema: str) -> set[str]:
    rows = connection.execute(
        "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE nspname = %s AND relkind IN ('r', 'p')",
        (schema,),
    )
    return {str(row[0]) for row in rows}


def _role(service: str) -> sql.Identifier:
    return sql.Identifier(f"seatrial_{service}")


def _execute(connection: Connection, statements: Iterable[sql.SQL | sql.Composed]) -> None:
    for statement in statements:
        connection.execute(statement)
