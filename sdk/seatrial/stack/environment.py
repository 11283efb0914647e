"""The variables a service is started with: the database, the tokens, its peers, and the pipe that ends it."""

from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.stack.services import ServiceAddress, ServiceSpec


@dataclass(frozen=True)
class StackEnvironment:
    """The variables that all services of a stack share: the user's, the addresses of all services, and the token."""

    inherited: Mapping[str, str]
    where: Mapping[str, ServiceAddress]
    token: str

    def for_service(self, service: ServiceSpec, database_url: str) -> dict[str, str]:
        """Return the whole environment of one service.

        The user's variables are kept; those that only the stack knows (database, token, all ports) are set.
        """
        shared = {
            "SEATRIAL_DATABASE_URL": database_url,
            "SEATRIAL_TOKENS": accepted_tokens(self.inherited, self.token),
            "SEATRIAL_TOKEN": self.token,
            "SEATRIAL_STOP_WITH_PARENT": "1",
            "PYTHONUNBUFFERED": "1",
        }
        peers = {}
        for name, address in self.where.items():
            peers[f"SEATRIAL_{name.upper()}_PORT"] = str(address.port)
            peers[f"SEATRIAL_{name.upper()}_URL"] = self.inherited.get(f"SEATRIAL_{name.upper()}_URL") or address.url
        aliases = {alias: str(self.where[service.name].port) for alias in service.port_aliases}
        return {**self.inherited, **shared, **peers, **aliases, **service.environment}


def accepted_tokens(inherited: Mapping[str, str], token: str) -> str:
    """Return the accepted tokens: those the user configured, the stack's own, and the one the user's clients send."""
    entries = [entry for entry in inherited.get("SEATRIAL_TOKENS", "").split(";") if entry.strip()]
    entries.append(f"{token}=admin")
    sent = inherited.get("SEATRIAL_TOKEN", "")
    if sent and not any(entry.rpartition("=")[0].strip() == sent for entry in entries):
        entries.append(f"{sent}=admin")
    return ";".join(entries)
