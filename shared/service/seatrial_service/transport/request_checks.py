"""What a request must satisfy before anything else reads it: host, origin and media type."""

from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Scope, Send

from seatrial_service.settings import ServiceSettings, is_loopback
from seatrial_service.transport.hosts import HostCheck, HostRules
from seatrial_service.transport.media_types import MediaTypeCheck, MediaTypeRules
from seatrial_service.transport.origins import OriginCheck, OriginRules
from seatrial_service.transport.refusals import TransportRefusals


@dataclass(frozen=True)
class RequestRules:
    """The rules of one server.

    Args:
        hosts: The names it answers for; None for any, where every request must be signed.
        origins: Origins whose pages may send more than reads.
        media_types: What its paths accept besides JSON.
    """

    hosts: HostRules | None = field(default_factory=HostRules)
    origins: OriginRules = field(default_factory=OriginRules)
    media_types: MediaTypeRules = field(default_factory=MediaTypeRules)

    @classmethod
    def of(cls, service: str, settings: ServiceSettings, media_types: MediaTypeRules) -> "RequestRules":
        """Return the rules of a service.

        Args:
            service: Its name; peers call it by this name where it listens beyond this machine.
            settings: Accepted hosts and origins.
            media_types: What its paths accept besides JSON.

        Raises:
            SettingsError: A host or an origin is malformed.
        """
        own_name = "" if is_loopback(settings.host) else service
        hosts = HostRules.parse(settings.allowed_hosts, own_name)
        return cls(hosts, OriginRules.parse(settings.allowed_origins), media_types)


class RequestChecks:
    """Check each request's host, origin and media type, in this order.

    Args:
        app: The next application.
        rules: The rules.
        refusals: Counts and logs what is refused.
    """

    def __init__(self, app: ASGIApp, rules: RequestRules, refusals: TransportRefusals) -> None:
        checked: ASGIApp = MediaTypeCheck(app, rules.media_types, refusals)
        checked = OriginCheck(checked, rules.origins, refusals)
        self.app = checked if rules.hosts is None else HostCheck(checked, rules.hosts, refusals)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if all checks accept it."""
        await self.app(scope, receive, send)
