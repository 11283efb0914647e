"""Which role a service logs in as: its own, a shared or too powerful one, or that of another service."""

from sqlalchemy import text

from seatrial_core.errors import SettingsError
from seatrial_service.db.roles import CONNECTIONS, role_name
from seatrial_service.db.session import Database

_LOGIN = text("""
    SELECT
        current_user AS name,
        (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
        EXISTS (
            SELECT FROM pg_namespace WHERE nspname = :service AND pg_has_role(current_user, nspowner, 'MEMBER')
        ) AS is_owner,
        EXISTS (SELECT FROM pg_roles WHERE rolname = :own AND rolcanlogin) AS has_own
""")


async def check(database: Database, service: str) -> str | None:
    """Return a warning if a service logs in as a user that may do more than the service needs.

    Args:
        database: The service's database.
        service: The service's name.

    Raises:
        SettingsError: The user is the role of another service.
        DatabaseUnreachable: Postgres does not answer.
    """
    own = role_name(service)
    async with database.transaction() as session:
        row = (await session.execute(_LOGIN, {"service": service, "own": own})).one()
    if row.name == own:
        return None
    if row.name in {role_name(name) for name in CONNECTIONS if name != "migrator"}:
        raise SettingsError(
            f"SEATRIAL_DATABASE_URL logs in as {row.name}, the role of another service; give {service} the address of "
            f"{own} (docs/database.md)"
        )
    if row.is_superuser:
        problem = "a superuser, who reads every schema and runs programs on the database server"
    elif row.is_owner and row.has_own:
        problem = "an owner of the tables, who can change what is recorded"
    else:
        return None
    advice = f"{own} exists: use its address" if row.has_own else f"make the role {own} with the migration step"
    return f"SEATRIAL_DATABASE_URL logs in as {row.name}, {problem}; {advice} (docs/database.md)"
