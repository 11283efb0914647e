"""The host names a service answers for; a request with another one is refused, which ends DNS rebinding."""

import ipaddress
import re
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from seatrial_service.transport.refusals import TransportRefusals
from seatrial_service.transport.rule_list import MAX_QUOTE, parse_rule_list

LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "host.docker.internal"})
HEADER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.-]{1,253})(?::(?P<port>[0-9]{1,5}))?")
NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")
CLUSTER_SUFFIXES = ("svc", "svc.cluster.local")
VARIABLE = "SEATRIAL_ALLOWED_HOSTS"
EXPECTED = (
    "a host name; give names without scheme and port, separated by commas, for example "
    "trading.example.com,*.internal.example.com"
)


@dataclass(frozen=True)
class HostRules:
    """The names a service answers for; a numeric address is always accepted, because no attacker's DNS gives it out.

    Args:
        names: Lower-case names; `*.example.com` means every name below example.com.
        service: The service's name, if it is called by it within a cluster or a compose project.
    """

    names: frozenset[str] = frozenset()
    service: str = ""

    @classmethod
    def parse(cls, text: str, service: str = "") -> "HostRules":
        """Read `name,name,*.name`.

        Raises:
            SettingsError: A part is not a host name, or `*` alone.
        """
        return cls(parse_rule_list(VARIABLE, text, _is_name, EXPECTED), service)

    def allows(self, header: str) -> bool:
        """Return whether a Host header is accepted."""
        match = HEADER.fullmatch(header)
        if match is None or int(match["port"] or 0) > 65_535:
            return False
        host = match["host"].lower().removesuffix(".")
        return _is_address(host) or host in LOCAL_NAMES or self._is_configured(host) or self._is_service(host)

    def _is_configured(self, host: str) -> bool:
        _, _, parent = host.partition(".")
        while parent and f"*.{parent}" not in self.names:
            _, _, parent = parent.partition(".")
        return bool(parent) or host in self.names

    def _is_service(self, host: str) -> bool:
        # SERVICE, or SERVICE.NAMESPACE.svc: public DNS has neither. SERVICE.NAMESPACE can be a real domain.
        if not self.service:
            return False
        name, _, rest = host.partition(".")
        return name == self.service and (not rest or rest.partition(".")[2] in CLUSTER_SUFFIXES)


class HostCheck:
    """Refuse requests for a host that the service does not answer for: 421, for a page that rebinds its name to us.

    Args:
        app: The next application.
        rules: The accepted names.
        refusals: Counts and logs what is refused.
    """

    def __init__(self, app: ASGIApp, rules: HostRules, refusals: TransportRefusals) -> None:
        self.app = app
        self.rules = rules
        self.refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its host is accepted."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        is_old = not hosts and scope.get("http_version") == "1.0"  # no browser sends it
        if is_old or (len(hosts) == 1 and self.rules.allows(hosts[0])):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            self.refusals.record_request("misdirected_request", scope)
            await send({"type": "websocket.close", "code": 1008})
        elif len(hosts) != 1:
            await self.refusals.send(
                scope, send, 400, "bad_request", f"the request has {len(hosts)} Host headers; send exactly one"
            )
        else:
            detail = (
                f"this service does not answer for the host {hosts[0][:MAX_QUOTE]!r}; call it as localhost or by its "
                "IP address, or add the name to SEATRIAL_ALLOWED_HOSTS"
            )
            await self.refusals.send(scope, send, 421, "misdirected_request", detail)


def _is_name(text: str) -> bool:
    return NAME.fullmatch(text) is not None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
