"""Problems that are sent below the application: by ASGI middleware and by the HTTP protocol."""

from collections.abc import Mapping

from starlette.types import Send

from seatrial_core.contracts.problems import Problem
from seatrial_service import logs

MEDIA_TYPE = "application/problem+json"


def problem_body(status: int, code: str, detail: str) -> bytes:
    """Return a problem as JSON.

    Args:
        status: The HTTP status.
        code: The machine-readable code.
        detail: What was wrong, what was found, what to do.
    """
    problem = Problem(
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=detail,
        code=code,
        request_id=logs.request_id.get(),
    )
    return problem.model_dump_json().encode()


async def send_problem(
    send: Send, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None
) -> None:
    """Send a problem as the response of an ASGI request.

    Args:
        send: The send function of the request.
        status: The HTTP status.
        code: The machine-readable code.
        detail: What was wrong, what was found, what to do.
        headers: Further headers, for example Allow.
    """
    body = problem_body(status, code, detail)
    fields = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **(headers or {})}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
