"""The variables a service is started with: its settings, the database, the tokens, its peers; no other variable."""

from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.stack.caller_tokens import CallerTokens
from seatrial.stack.services import ServiceAddress, ServiceSpec
from seatrial_core.child_environment import allowed

# Names, separated by commas, of further variables for the services, such as those that a strategy plugin reads.
PASSED_VARIABLE = "SEATRIAL_PASS_VARIABLES"
PREFIX = "SEATRIAL_"
# Settings with the names that the monitoring guide gives them.
GUIDE_VARIABLES = ("MONITORING_PORT", "METRICS_UPDATE_INTERVAL")
# Settings of all services whose names begin like those of one.
COMMON_VARIABLES = ("SEATRIAL_METRICS_OPEN",)
# What only the stack and the migration step read: addresses and passwords of the database.
DATABASE = "DATABASE_"


@dataclass(frozen=True)
class StackEnvironment:
    """What all services of a stack share: the user's variables, the addresses of all services, and the tokens."""

    inherited: Mapping[str, str]
    where: Mapping[str, ServiceAddress]
    tokens: CallerTokens

    def for_service(self, service: ServiceSpec, database: Mapping[str, str]) -> dict[str, str]:
        """Return the whole environment of one service.

        The user's settings of this service are kept; those that only the stack knows (database, token, all ports) are
        set. Settings of other services, passwords of the database and variables of other programs, such as cloud keys,
        are left out.
        """
        shared = {
            **database,
            "SEATRIAL_TOKENS": self.tokens.accepted_by(service.name, self.inherited),
            "SEATRIAL_TOKEN": self.tokens.sent_by(service.name, self.inherited),
            "SEATRIAL_STOP_WITH_PARENT": "1",
            "PYTHONUNBUFFERED": "1",
        }
        peers = {}
        for name, address in self.where.items():
            peers[f"SEATRIAL_{name.upper()}_PORT"] = str(address.port)
            peers[f"SEATRIAL_{name.upper()}_URL"] = self.inherited.get(f"SEATRIAL_{name.upper()}_URL") or address.url
        aliases = {alias: str(self.where[service.name].port) for alias in service.port_aliases}
        return {**self._inherited_by(service), **shared, **peers, **aliases, **service.environment}

    def _inherited_by(self, service: ServiceSpec) -> dict[str, str]:
        names = {*GUIDE_VARIABLES, *COMMON_VARIABLES, *service.variables, *passed_names(self.inherited)}
        return {
            name: value
            for name, value in allowed(self.inherited, names, (PREFIX,)).items()
            if name in names or not self._belongs_to_another(name, service)
        }

    def _belongs_to_another(self, name: str, service: ServiceSpec) -> bool:
        if name.startswith(PREFIX) and DATABASE in name:
            return True
        others = {f"{PREFIX}{other.upper()}_" for other in self.where} - {service.prefix}
        return any(name.startswith(prefix) for prefix in others)


def passed_names(inherited: Mapping[str, str]) -> set[str]:
    """Return the names of the variables that the user passes on to every service."""
    return {name.strip() for name in inherited.get(PASSED_VARIABLE, "").split(",") if name.strip()}
