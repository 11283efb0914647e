"""Routes that authorise a request before its body is read; `service_router` makes the router of such routes."""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, ClassVar, get_args, get_origin

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.params import Depends as Dependency
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.security import HTTPBearer

from seatrial_core.errors import Forbidden, Unauthenticated
from seatrial_service.auth import SCOPES, Principal
from seatrial_service.authorisation import Access, is_forwarded, source_of
from seatrial_service.json_body import JsonRequest
from seatrial_service.problems import ACCESS_RESPONSES
from seatrial_service.query_parameters import require_known

_bearer = HTTPBearer(auto_error=False, description="On a laptop the token is in .seatrial/token")
_READ_METHODS = frozenset({"GET", "HEAD"})


class RequiredScope:
    """The dependency that names the scope of a route; the route has checked it before the body was read."""

    def __init__(self, scope: str) -> None:
        if scope not in SCOPES:
            raise ValueError(f"{scope!r} is not a scope; use one of {', '.join(sorted(SCOPES))}")
        self.scope = scope

    async def __call__(self, request: Request, _: object = Depends(_bearer)) -> None:
        """Check the scope once more, for a route that is not a ServiceRoute."""
        principal = getattr(request.state, "principal", None)
        if not isinstance(principal, Principal):
            raise Unauthenticated("this route has not authorised the request; make its router with `service_router`")
        principal.require(self.scope)


class PublicAccess:
    """The dependency that marks a route which needs no token, and says why.

    Args:
        reason: Why it needs none.
        forwarded_scope: The scope that a request needs if a reverse proxy passed it on; empty for none.
        is_sent_token_checked: Whether a request that carries a token is refused if the token is not valid.
    """

    def __init__(self, reason: str, forwarded_scope: str = "", *, is_sent_token_checked: bool = False) -> None:
        self.reason = reason
        self.forwarded_scope = forwarded_scope
        self.is_sent_token_checked = is_sent_token_checked

    async def __call__(self) -> None:
        """Let the request pass."""


def requires(scope: str) -> Any:  # Any: what FastAPI's Depends returns
    """Return the dependency that lets a route be called only with a scope.

    Example:
        @router.get("/v1/orders", dependencies=[requires("engine:trade")])
    """
    return Depends(RequiredScope(scope))


def public(reason: str) -> Any:  # Any: what FastAPI's Depends returns
    """Return the dependency that lets a route be called without a token, for a reason.

    Example:
        @router.get("/health/live", dependencies=[public("probes have no token")])
    """
    return Depends(PublicAccess(reason))


def public_on_this_machine(scope: str, reason: str) -> Any:  # Any: what FastAPI's Depends returns
    """Return the dependency that lets programs of this machine call a route without a token.

    A request that a reverse proxy passed on comes from elsewhere and needs a token with the scope, and a token that
    is sent must be valid.
    """
    return Depends(PublicAccess(reason, scope, is_sent_token_checked=True))


def public_if_no_token(reason: str) -> Any:  # Any: what FastAPI's Depends returns
    """Return the dependency that lets a route be called without a token, and with a valid one."""
    return Depends(PublicAccess(reason, is_sent_token_checked=True))


class ServiceRoute(APIRoute):
    """A route that authorises from the headers alone, before it reads the body.

    Every route names its scope with `requires` or is marked with `public`; one that does neither cannot be made.
    A route that answers JSON has the query parameters of its signature and no others (`is_query_checked`).
    `request_class` is the request that the handler reads; it reads JSON bodies within limits.
    """

    request_class: ClassVar[type[Request]] = JsonRequest
    is_query_checked: ClassVar[bool] = True

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # Any: as in FastAPI
        dependencies: Sequence[Dependency] = options.get("dependencies") or ()
        named = [item.dependency for item in dependencies]
        self.scopes = tuple(item.scope for item in named if isinstance(item, RequiredScope))
        self._public = next((item for item in named if isinstance(item, PublicAccess)), None)
        self.public_reason = None if self._public is None else self._public.reason
        if bool(self.scopes) == (self.public_reason is not None):
            raise TypeError(f"the route {path} must name its scope with `requires`, or be `public` with a reason")
        if self.scopes:
            options["responses"] = {**ACCESS_RESPONSES, **(options.get("responses") or {})}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler that authorises, then reads the body and calls the endpoint."""
        handle = super().get_route_handler()
        is_json = self.response_class is not Response  # else a page of metrics
        parameters = query_parameters(self.dependant) if self.is_query_checked and is_json else None

        async def authorised(request: Request) -> Response:
            access: Access = request.app.state.access
            request.state.principal = await self._admit(access, request)
            if parameters is not None:
                require_known(request.query_params.multi_items(), parameters)
            try:
                return await handle(self.request_class(request.scope, request.receive))
            except (Unauthenticated, Forbidden) as error:  # a signature, a session or a target that the endpoint checks
                raise access.refusal(request, self.path_format, error) from error

        return authorised

    async def _admit(self, access: Access, request: Request) -> Principal:
        public = self._public
        if public is None:
            return await access.admit(request, self.path_format, self.scopes)
        if public.forwarded_scope and is_forwarded(request):
            return await access.admit_forwarded(request, self.path_format, public.forwarded_scope)
        if public.is_sent_token_checked and request.headers.get("authorization"):
            return await access.identify(request, self.path_format)
        return await access.admit(request, self.path_format, ())


class PageRoute(ServiceRoute):
    """A route of a page that another program draws, with query parameters of that program."""

    is_query_checked = False


def query_parameters(dependant: Dependant) -> dict[str, bool]:
    """Return the names of the query parameters of a signature, and whether each may be given more than once."""
    parameters = {field.alias: _is_list(field.field_info.annotation) for field in dependant.query_params}
    for inner in dependant.dependencies:
        parameters |= query_parameters(inner)
    return parameters


def _is_list(annotation: object) -> bool:
    return any(get_origin(part) is list for part in (annotation, *get_args(annotation)))


def service_router(
    *,
    prefix: str = "",
    tags: list[str | Enum] | None = None,
    dependencies: Sequence[Any] | None = None,  # Any: what FastAPI's Depends returns
    route_class: type[ServiceRoute] = ServiceRoute,
) -> APIRouter:
    """Return a router whose routes authorise before they read a body; services make all their routers with it."""
    return APIRouter(prefix=prefix, tags=tags, dependencies=dependencies, route_class=route_class)


@dataclass(frozen=True)
class Caller:
    """Who calls a route, for the record of what it changes."""

    principal: Principal
    source: str
    access: Access

    def actor(self, claimed: str) -> tuple[str, str]:
        """Return who is recorded as the actor, and the note next to it.

        The authenticated principal is the actor and what the caller says about itself the note; a service without
        tokens knows only what the caller says.
        """
        return (self.principal.name, claimed) if self.principal.name else (claimed, "")

    def audit(self, action: str, **facts: object) -> None:
        """Log and count a change."""
        self.access.audit(self.principal, self.source, action, **facts)


async def caller_of(request: Request) -> Caller:
    """Return who calls; on a service without tokens a principal without a name."""
    return Caller(request.state.principal, source_of(request), request.app.state.access)


CalledBy = Annotated[Caller, Depends(caller_of)]


def service_routes(app: FastAPI) -> Iterator[tuple[str, ServiceRoute]]:
    """Return every route that authorises, in order, once for each of its methods."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, ServiceRoute):
            for method in sorted(context.methods or ()):
                yield method, context.original_route


def require_service_routes(app: FastAPI) -> None:
    """Check that every route which may read a body authorises first.

    Raises:
        TypeError: A route was made without `service_router`.
    """
    for context in iter_route_contexts(app.routes):
        route, methods = context.original_route, context.methods or set()
        if not isinstance(route, ServiceRoute) and (isinstance(route, APIRoute) or not methods <= _READ_METHODS):
            raise TypeError(f"the route {context.path} was not made with `service_router`")
