"""The database variables of one service: the address as its own role, and never the owner's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from seatrial.stack.postgres.role_passwords import password_variable, role_of

VARIABLE = "SEATRIAL_DATABASE_URL"
DIRECT_VARIABLE = "SEATRIAL_DATABASE_DIRECT_URL"


def as_role(url: str, service: str, password: str) -> str:
    """Return a database address with the role of a service in place of its user."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name.lower() not in ("user", "password")
    ]
    netloc = f"{role_of(service)}:{quote(password, safe='')}@{place}"
    return urlunsplit(parts._replace(netloc=netloc, query=encoded(query)))


def through_socket(folder: Path, port: int, user: str, password: str, database: str) -> str:
    """Return the address of a database of a server that listens on a Unix socket in `folder`."""
    query = encoded([("host", str(folder)), ("port", str(port))])
    return f"postgresql://{user}:{quote(password, safe='')}@/{database}?{query}"


def place(url: str) -> str:
    """Return server and database of an address for a message."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    host = parts.hostname or options.get("host", "localhost")
    if host.startswith("/"):
        return f"{host}{parts.path}"
    return f"{host}:{parts.port or options.get('port', 5432)}{parts.path}"


def encoded(query: Sequence[tuple[str, str]]) -> str:
    """Return the query of a database address; libpq reads %20 as a space, and + as a plus."""
    return urlencode(query, quote_via=quote, safe="/")


def external_variables(url: str, environment: Mapping[str, str], service: str) -> dict[str, str]:
    """Return the database variables of one service on a server of the user.

    The address is that of SEATRIAL_<SERVICE>_DATABASE_URL, else the shared one as the service's role if the user gives
    its password, else the shared one.
    """
    prefix = f"SEATRIAL_{service.upper()}_DATABASE_"
    own, own_direct = environment.get(f"{prefix}URL"), environment.get(f"{prefix}DIRECT_URL")
    direct = environment.get(DIRECT_VARIABLE)
    password = environment.get(password_variable(service))
    if own:
        url, direct = own, own_direct
    elif password:
        url = as_role(url, service, password)
        direct = own_direct or (as_role(direct, service, password) if direct else None)
    else:
        direct = own_direct or direct
    return {VARIABLE: url, **({DIRECT_VARIABLE: direct} if direct else {})}
