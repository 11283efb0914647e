"""What a route that reads its body in a parser process calls, and how its body is documented."""

from collections.abc import Callable
from typing import Any, BinaryIO, Concatenate, ParamSpec, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from seatrial_service.parsing.pool import ParserPool
from seatrial_service.parsing.spool import BodySpool

P = ParamSpec("P")
R = TypeVar("R")


class BodyReader:
    """Receives the bodies of requests and reads them outside the event loop.

    Args:
        spool: Receives the bodies.
        parsers: Calls the functions that read them.
    """

    def __init__(self, spool: BodySpool, parsers: ParserPool) -> None:
        self._spool = spool
        self._parsers = parsers

    async def read(
        self, request: Request, function: Callable[Concatenate[BinaryIO, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return what a function returns for the body of a request; the arguments are those of `ParserPool.call`.

        Raises:
            RequestValidationError: The body is not of the model.
            ParserBusy: Too many bodies are here already.
            TooCostlyToRead: The body takes too much memory or time.
        """
        async with self._spool.receive(request) as body:
            try:
                return await self._parsers.call(body, function, *args, **kwargs)
            except ValidationError as error:  # of a small body, which is read in this process
                raise RequestValidationError(error.errors(include_url=False)) from error


def json_schema(model: type[BaseModel]) -> dict[str, Any]:  # Any: JSON Schema
    """Return the JSON Schema of a model with no reference in it, which could not be followed in an OpenAPI document."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def inlined(part: Any) -> Any:  # Any: JSON Schema
        if isinstance(part, list):
            return [inlined(item) for item in part]
        if not isinstance(part, dict):
            return part
        name = str(part.get("$ref", "")).removeprefix("#/$defs/")
        if name in definitions:
            return {**inlined(definitions[name]), **{key: part[key] for key in part if key != "$ref"}}
        return {key: inlined(value) for key, value in part.items()}

    result: dict[str, Any] = inlined(schema)
    return result
