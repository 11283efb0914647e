"""The tree of all Seatrial errors; `seatrial_service.problems` turns them into problem+json.

SeatrialError                      500
  BadRequest                       400   the body is not JSON, or a header is malformed
  Unauthenticated                  401   no token, or a wrong one
  Forbidden                        403   the token lacks the scope
  NotFound                         404
  Conflict                         409   the same key with other content, or a state that forbids the request
  BodyTooLarge                     413
  ValidationFailed                 422   well-formed, but a value is not allowed
  TooManyRequests                  429
  Unavailable                      503   a dependency does not respond; try again
    DatabaseUnreachable
    PeerUnreachable
      StackNotRunning                    its token is not sent to what may listen there now
  SettingsError                    exit code 2 at start, never an HTTP response
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from seatrial_core.redaction import redact


@dataclass(frozen=True)
class FieldError:
    """One refused value: its field, the value and what is allowed."""

    field: str
    value: object  # of any type
    allowed: str


class SeatrialError(Exception):
    """The base of all errors: a message without secrets, a machine-readable code and an HTTP status."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = (), headers: dict[str, str] | None = None):
        self.detail = redact(detail)
        super().__init__(self.detail)
        self.errors = tuple(errors)
        self.headers = headers or {}


class BadRequest(SeatrialError):
    """The request cannot be read."""

    code = "bad_request"
    status = 400


class Unauthenticated(SeatrialError):
    """The request has no token or an unknown one."""

    code = "unauthenticated"
    status = 401


class Forbidden(SeatrialError):
    """The token lacks the required scope."""

    code = "forbidden"
    status = 403


class NotFound(SeatrialError):
    """The requested resource does not exist."""

    code = "not_found"
    status = 404


class Conflict(SeatrialError):
    """The request conflicts with the current state."""

    code = "conflict"
    status = 409


class BodyTooLarge(SeatrialError):
    """The body exceeds the route's size limit."""

    code = "body_too_large"
    status = 413


class ValidationFailed(SeatrialError):
    """The request can be read, but a value in it is not allowed."""

    code = "validation_failed"
    status = 422


class TooManyRequests(SeatrialError):
    """The caller exceeded a rate limit or a budget."""

    code = "too_many_requests"
    status = 429


class Unavailable(SeatrialError):
    """A dependency of this request does not respond."""

    code = "unavailable"
    status = 503


class DatabaseUnreachable(Unavailable):
    """Postgres does not respond."""

    code = "database_unreachable"


class PeerUnreachable(Unavailable):
    """Another Seatrial service does not respond."""

    code = "peer_unreachable"


class StackNotRunning(PeerUnreachable):
    """The stack whose token would be sent does not run, so another program may listen at its addresses."""

    code = "stack_not_running"


class SettingsError(SeatrialError):
    """A setting is missing, malformed or contradicts another; the process ends with code 2."""

    code = "bad_settings"


def field_error(field: str, value: Any, allowed: str) -> ValidationFailed:  # Any: the refused value itself
    """Return the error for one refused value."""
    return ValidationFailed(
        f"`{field}` was {value!r}; allowed: {allowed}", errors=[FieldError(field=field, value=value, allowed=allowed)]
    )
