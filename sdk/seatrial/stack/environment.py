"""The variables a service is started with: the database, the tokens, its peers, and the pipe that ends it."""

from collections.abc import Mapping

from seatrial.stack.services import Address, Service


def for_service(
    service: Service,
    inherited: Mapping[str, str],
    where: Mapping[str, Address],
    database_url: str,
    token: str,
) -> dict[str, str]:
    """Return the whole environment of one service.

    What the user exported is kept; what only the stack can know (database, token, ports of all) is set.
    """
    shared = {
        "SEATRIAL_DATABASE_URL": database_url,
        "SEATRIAL_TOKENS": accepted_tokens(inherited, token),
        "SEATRIAL_TOKEN": token,
        "SEATRIAL_STOP_WITH_PARENT": "1",
        "PYTHONUNBUFFERED": "1",
    }
    peers = {}
    for name, address in where.items():
        peers[f"SEATRIAL_{name.upper()}_PORT"] = str(address.port)
        peers[f"SEATRIAL_{name.upper()}_URL"] = inherited.get(f"SEATRIAL_{name.upper()}_URL") or address.url
    aliases = {alias: str(where[service.name].port) for alias in service.port_aliases}
    return {**inherited, **shared, **peers, **aliases, **service.environment}


def accepted_tokens(inherited: Mapping[str, str], token: str) -> str:
    """Return the accepted tokens: those the user configured, the stack's own, and the one the user's clients send."""
    entries = [entry for entry in inherited.get("SEATRIAL_TOKENS", "").split(";") if entry.strip()]
    entries.append(f"{token}=admin")
    sent = inherited.get("SEATRIAL_TOKEN", "")
    if sent and not any(entry.rpartition("=")[0].strip() == sent for entry in entries):
        entries.append(f"{sent}=admin")
    return ";".join(entries)
