"""Reads JSON bodies: size, depth and number of values are limited before anything is built from them."""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from seatrial_core.errors import BadRequest

INLINE_BYTES = 64 << 10  # a larger body is read in a thread
MAX_DEPTH = 64
MAX_VALUES = 100_000
MAX_DUPLICATE = 80

_STRING = re.compile(rb'"[^"]*+"?')  # of a body without escapes
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_OPENING = frozenset(b"[{")


class MalformedJson(BadRequest):
    """The body is not valid JSON, or is nested or filled beyond the limits."""

    code = "malformed_json"


class JsonRequest(Request):
    """A request whose JSON body is read within limits."""

    async def json(self) -> Any:  # Any: JSON
        """Return the body as JSON.

        Raises:
            JSONDecodeError: It is not valid JSON, or exceeds a limit; its cause is the error to respond with.
        """
        if not hasattr(self, "_json"):
            body = await self.body()
            try:
                limit = self._max_values()
                inline = len(body) <= INLINE_BYTES
                self._json = parse(body, limit) if inline else await asyncio.to_thread(parse, body, limit)
            except MalformedJson as error:
                # FastAPI hands on this class only; every other error it replaces by one that names no reason.
                raise json.JSONDecodeError(error.detail, "", 0) from error
        return self._json

    def _max_values(self) -> int:
        by_prefix: Mapping[str, int] = getattr(self.app.state, "json_values", {})
        path = self.scope["path"]
        return next((limit for prefix, limit in by_prefix.items() if path.startswith(prefix)), MAX_VALUES)


def parse(body: bytes, max_values: int = MAX_VALUES, *, strict: bool = True) -> Any:  # Any: JSON
    """Return a JSON document.

    If strict, NaN and infinities are refused, as is an object that has a key twice: what reads the first and what
    reads the last would see two different orders.

    Args:
        body: The document, in UTF-8.
        max_values: How many values, keys included, it may have.
        strict: False for a batch, one of whose items must not refuse the others.

    Raises:
        MalformedJson: It is not valid JSON, or exceeds a limit.
    """
    _check_size(body, max_values)
    try:
        text = body.decode("utf-8-sig")
        if not strict:
            return json.loads(text)
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise MalformedJson(f"the body is not valid JSON: {str(error)[:200]}; send application/json") from error


def _check_size(body: bytes, max_values: int) -> None:
    if body.count(b",") + body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    values = body.count(b'"') // 4  # a text or key has two quotes; half of all may be escaped ones within a text
    if values <= max_values:
        plain = _STRING.sub(b"", _without_escapes(body))
        values = plain.count(b",") + plain.count(b":") + plain.count(b"[") + plain.count(b"{")
    if values > max_values:
        raise MalformedJson(f"the body has about {values} values; a body here may have {max_values}, send it in parts")
    depth = deepest = 0
    for bracket in plain.translate(None, _NO_BRACKET):
        depth += 1 if bracket in _OPENING else -1
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise MalformedJson(f"the body is nested {deepest} levels deep; at most {MAX_DEPTH} are allowed")


def _without_escapes(body: bytes) -> bytes:
    # Pairs of backslashes first: of an odd number, the last one escapes what follows. A backslash outside a string ends
    # the parser there, so what is counted behind it makes no difference. A pattern with escapes takes 50 times as long.
    return body.replace(b"\\\\", b"").replace(b'\\"', b"")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:  # Any: JSON
    fields = dict(pairs)
    if len(fields) != len(pairs):
        seen: set[str] = set()
        repeated = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"an object has the key {repeated[:MAX_DUPLICATE]!r} twice")
    return fields


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:MAX_DUPLICATE]} is too large")
    return number
