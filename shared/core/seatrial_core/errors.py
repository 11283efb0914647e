"""Every error of Seatrial, in one tree; `web.py` turns them into problem+json.

SeatrialError                      500
  BadRequest                       400   the body is no JSON, a header is malformed
  Unauthenticated                  401   no token, or a wrong one
  Forbidden                        403   the token lacks the scope
  NotFound                         404
  Conflict                         409   the same key with other content, a state that forbids the act
  BodyTooLarge                     413
  ValidationFailed                 422   well-formed, but a value is not allowed
  TooManyRequests                  429
  Unavailable                      503   a part we need does not answer; try again
    DatabaseUnreachable
    PeerUnreachable
  SettingsError                    exit code 2 at start, never answered over HTTP
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldError:
    """One refused value: where it stood, what was found, what is allowed."""

    field: str
    value: object  # whatever the sender put there
    allowed: str


class SeatrialError(Exception):
    """The root: a message for people, a code for programs, a status for HTTP."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = (), headers: dict[str, str] | None = None):
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers or {}


class BadRequest(SeatrialError):
    """The request cannot be read."""

    code = "bad_request"
    status = 400


class Unauthenticated(SeatrialError):
    """The caller has not said who it is, or is not known."""

    code = "unauthenticated"
    status = 401


class Forbidden(SeatrialError):
    """The caller is known but may not do this."""

    code = "forbidden"
    status = 403


class NotFound(SeatrialError):
    """What was asked for is not here."""

    code = "not_found"
    status = 404


class Conflict(SeatrialError):
    """The request contradicts what is already so."""

    code = "conflict"
    status = 409


class BodyTooLarge(SeatrialError):
    """The body is over this route's limit."""

    code = "body_too_large"
    status = 413


class ValidationFailed(SeatrialError):
    """The request can be read, but a value in it is not allowed."""

    code = "validation_failed"
    status = 422


class TooManyRequests(SeatrialError):
    """The caller asks too often, or a budget is used up."""

    code = "too_many_requests"
    status = 429


class Unavailable(SeatrialError):
    """A part that this answer needs does not answer now."""

    code = "unavailable"
    status = 503


class DatabaseUnreachable(Unavailable):
    """Postgres does not answer."""

    code = "database_unreachable"


class PeerUnreachable(Unavailable):
    """Another service of ours does not answer."""

    code = "peer_unreachable"


class SettingsError(SeatrialError):
    """A setting is missing, malformed or contradicts another; the process ends with code 2."""

    code = "bad_settings"


def field_error(field: str, value: Any, allowed: str) -> ValidationFailed:  # Any: the refused value itself
    """Return the error for one refused value, worded the one way we word them."""
    return ValidationFailed(
        f"`{field}` was {value!r}; allowed: {allowed}", errors=[FieldError(field=field, value=value, allowed=allowed)]
    )
