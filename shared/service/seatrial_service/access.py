"""Decides from a request's headers who calls and whether the route admits them."""

from collections.abc import Sequence

from starlette.requests import Request

from seatrial_core.errors import SeatrialError
from seatrial_service.auth import ANONYMOUS, Principal, Tokens


class Access:
    """Admits or refuses the requests of one application.

    Args:
        tokens: The tokens it accepts; without any, everybody is admitted.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    async def admit(self, request: Request, path: str, scopes: Sequence[str]) -> Principal:
        """Return who calls a route, before its body is read.

        Args:
            request: The request, of which only the headers are read.
            path: The path of the route, as declared.
            scopes: The scopes that the route requires; none for a public one.

        Raises:
            Unauthenticated: No token, no bearer token, or an unknown one.
            Forbidden: The token lacks a scope.
        """
        if not scopes:
            return ANONYMOUS
        try:
            principal = self.tokens.principal_of(request.headers.get("authorization"))
            for scope in scopes:
                principal.require(scope)
        except SeatrialError as error:
            raise self.refusal(request, path, error) from error
        return principal

    def refusal(self, request: Request, path: str, error: SeatrialError) -> SeatrialError:
        """Return the error to answer with."""
        return error
