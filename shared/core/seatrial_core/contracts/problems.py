"""The format of errors in responses: RFC 9457 problem+json with a code, field errors and the request id."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class FieldProblem(BaseModel):
    """One refused value."""

    model_config = ConfigDict(frozen=True)

    field: str
    value: Any = None  # the value as it came
    allowed: str


class Problem(BaseModel):
    """The body of every response with a status of 400 and above."""

    model_config = ConfigDict(frozen=True)

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] = []
    request_id: str | None = None
