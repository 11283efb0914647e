"""The services of a stack as a list: what to run, on which port, and which variable moves it."""

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from seatrial.stack import ports
from seatrial.stack.errors import PortTaken, StackError, UsageError

MIGRATION = (sys.executable, "-m", "seatrial_service.db.upgrade")


@dataclass(frozen=True)
class ServiceSpec:
    """One process of the stack.

    Args:
        port_aliases: Further variables that must agree with SEATRIAL_<NAME>_PORT.
        further_ports: Other ports it listens on, as variable and default.
        variables: Names of its settings that do not begin with its prefix.
    """

    name: str
    default_port: int
    module: str = ""
    command: tuple[str, ...] = ()
    port_aliases: tuple[str, ...] = ()
    further_ports: tuple[tuple[str, int], ...] = ()
    variables: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """Return the prefix of the service's variables."""
        return f"SEATRIAL_{self.name.upper()}_"

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the command line that starts the service."""
        return self.command or (sys.executable, "-m", self.module)


@dataclass(frozen=True)
class ServiceAddress:
    """Where a service listens; `further` are its other ports, each with the variable that says so."""

    host: str
    port: int
    further: tuple[tuple[str, int], ...] = ()

    @property
    def url(self) -> str:
        """Return the address as the other processes of this machine use it."""
        host = ports.reachable_host(self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


# Started in this order and stopped in the reverse one: the engine ends first, so its outbox can still drain.
SERVICES = (
    ServiceSpec("metrics", 9999, "seatrial_metrics", port_aliases=("MONITORING_PORT",)),
    ServiceSpec("alerts", 8002, "seatrial_alerts", variables=("ALERT_WEBHOOK_URL", "ALERT_WEBHOOK_SECRET")),
    ServiceSpec("backtest", 8001, "seatrial_backtest"),
    ServiceSpec("stress", 8003, "seatrial_stress", further_ports=(("SEATRIAL_STRESS_UI_PORT", 8089),)),
    ServiceSpec("engine", 5000, "seatrial_engine"),
)


@dataclass(frozen=True)
class StackPlan:
    """The parts of a stack; tests replace the services."""

    services: tuple[ServiceSpec, ...] = SERVICES
    migration: tuple[str, ...] = MIGRATION
    postgres_settings: Mapping[str, str] = field(default_factory=dict)
    fresh_database: str | None = None

    def with_environment(self, name: str, values: Mapping[str, str]) -> "StackPlan":
        """Return a plan with more environment variables for service `name`."""
        if name not in {service.name for service in self.services}:
            raise StackError(
                f"There is no service `{name}`; there are {', '.join(service.name for service in self.services)}."
            )
        changed = tuple(
            replace(service, environment={**service.environment, **values}) if service.name == name else service
            for service in self.services
        )
        return replace(self, services=changed)


def addresses(services: Sequence[ServiceSpec], environment: Mapping[str, str]) -> dict[str, ServiceAddress]:
    """Return where each service will listen by the variables of `environment`.

    Raises:
        UsageError: Some of them are no ports; the message has all.
    """
    where, complaints = read_addresses(services, environment)
    if complaints:
        raise UsageError("\n".join(complaints))
    return where


def read_addresses(
    services: Sequence[ServiceSpec], environment: Mapping[str, str]
) -> tuple[dict[str, ServiceAddress], list[str]]:
    """Return where each service will listen, and what is wrong with the variables; the default is taken for those."""
    where, complaints = {}, []
    for service in services:
        try:
            where[service.name] = _address(service, environment)
        except UsageError as error:
            complaints.append(str(error))
            where[service.name] = _address(service, {})
    return where, complaints


def check_installed(services: Sequence[ServiceSpec]) -> None:
    """Raise when the package of a service is missing."""
    missing = [
        service.module
        for service in services
        if not service.command and importlib.util.find_spec(service.module) is None
    ]
    if missing:
        raise StackError(
            f"{' and '.join(missing)} cannot be imported. Install the services: pip install 'seatrial[up]'"
        )


def check_migrations_installed() -> None:
    """Raise when the package of the migrations is missing."""
    if importlib.util.find_spec("seatrial_service") is None:
        raise StackError("The migrations need seatrial_service, which is not installed: pip install 'seatrial[up]'")


def check_ports(services: Sequence[ServiceSpec], where: Mapping[str, ServiceAddress]) -> None:
    """Raise when a port is used by another program, or configured for two services."""
    complaints = []
    seen: dict[int, str] = {}
    for service in services:
        address = where[service.name]
        if address.port in seen:
            complaints.append(
                f"{service.name} and {seen[address.port]} both use port {address.port}; "
                f"set {service.prefix}PORT to another one."
            )
        elif not ports.is_free(address.port, address.host):
            complaints.append(taken_text(service, address, address.port, ports.holder(address.port)))
        seen[address.port] = service.name
        complaints += [
            taken_text(service, address, port, ports.holder(port))
            for _, port in address.further
            if port and not ports.is_free(port, address.host)
        ]
    if complaints:
        raise PortTaken("\n".join(complaints))


def taken_text(service: ServiceSpec, address: ServiceAddress, port: int, holder: str) -> str:
    """Return the message for a port that another program uses; it names the variable that changes the port."""
    for name, further in address.further:
        if further == port:
            return (
                f"Port {port} of {service.name} is taken by {holder}. "
                f"Stop that program or set {name} to a free port, 0 for none."
            )
    airplay = ""
    if port == 5000 and sys.platform == "darwin":
        airplay = " On macOS this is usually the AirPlay Receiver (System Settings, General, AirDrop & Handoff)."
    variables = " or ".join((f"{service.prefix}PORT", *service.port_aliases))
    return (
        f"Port {port} of {service.name} is taken by {holder}.{airplay} "
        f"Stop that program or set {variables} to a free port."
    )


def _address(service: ServiceSpec, environment: Mapping[str, str]) -> ServiceAddress:
    names = (f"{service.prefix}PORT", *service.port_aliases)
    given = {name: environment[name] for name in names if environment.get(name)}
    if len(set(given.values())) > 1:
        variables = " and ".join(f"{name}={value}" for name, value in given.items())
        raise UsageError(f"{variables} name the same port but differ. Set only one of them, or both to the same value.")
    for name, text in given.items():
        if not text.isdigit() or not 1 <= int(text) <= 65535:
            raise UsageError(f"{name} must be a port from 1 to 65535, was {text!r}.")
    port = int(next(iter(given.values()), service.default_port))
    further = tuple((name, _further(name, environment.get(name), default)) for name, default in service.further_ports)
    return ServiceAddress(environment.get(f"{service.prefix}HOST") or ports.LOOPBACK, port, further)


def _further(name: str, text: str | None, default: int) -> int:
    if text and (not text.isdigit() or int(text) > 65535):
        raise UsageError(f"{name} must be a port from 1 to 65535, or 0 for none, was {text!r}.")
    return int(text) if text else default
