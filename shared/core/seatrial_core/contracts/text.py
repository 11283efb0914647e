"""Text that comes from outside: the types of all fields, query parameters, path parameters and headers.

A text is in NFC, its length counts code points, and `seatrial_core.characters` says which characters it may hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from seatrial_core.characters import normalise

MAX_TEXT = 1_000
MAX_PROSE = 2_000
MAX_DEPTH = 32
MAX_DOCUMENT_VALUES = 20_000
MAX_DOCUMENT_CHARACTERS = 500_000
# NFC composes at most four code points into one, so a longer text is too long whatever it holds.
_MAX_COMPOSED = 4


@dataclass(frozen=True)
class TextRule:
    """An annotation of `str`: which texts a field takes.

    Args:
        min_length: The least number of code points.
        max_length: The greatest number of code points.
        is_prose: Whether tabs, line ends and zero-width joiners are allowed.
        pattern: A regular expression that the text matches.

    Example:
        symbol: Annotated[str, TextRule(1, 64)]
    """

    min_length: int = 0
    max_length: int = MAX_TEXT
    is_prose: bool = False
    pattern: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema: normalise, then check length and pattern."""
        inner = core_schema.str_schema(
            min_length=self.min_length or None, max_length=self.max_length, pattern=self.pattern
        )
        return core_schema.no_info_before_validator_function(self._normalised, inner)

    def _normalised(self, value: object) -> object:
        if not isinstance(value, str) or len(value) > self.max_length * _MAX_COMPOSED:
            return value  # the schema of `str` refuses it
        try:
            return normalise(value, is_prose=self.is_prose)
        except ValueError as error:
            raise PydanticCustomError("text_character", "{problem}", {"problem": str(error)}) from None


Text = Annotated[str, TextRule()]
Prose = Annotated[str, TextRule(max_length=MAX_PROSE, is_prose=True)]
Name = Annotated[str, TextRule(1, 128)]
Symbol = Annotated[str, TextRule(1, 64)]
Identity = Annotated[str, TextRule(1, 128)]
Actor = Annotated[str, TextRule(1, 128)]
Reason = Annotated[str, TextRule(1, 500, is_prose=True)]


def _checked_document(value: object) -> object:
    if isinstance(value, Mapping):
        return _checked(value, 0, _Allowance())
    return value


class _Allowance:
    """What is left of a document's size.

    Every key and value takes one of the values; texts take as many characters as they have.
    """

    def __init__(self) -> None:
        self.values = MAX_DOCUMENT_VALUES
        self.characters = MAX_DOCUMENT_CHARACTERS

    def take(self, value: object) -> None:
        self.values -= 1
        if isinstance(value, str):
            self.characters -= len(value)
        if self.values < 0 or self.characters < 0:
            raise PydanticCustomError(
                "document_size",
                "must hold at most {values} keys and values and {characters} characters",
                {"values": MAX_DOCUMENT_VALUES, "characters": MAX_DOCUMENT_CHARACTERS},
            )


def _checked(value: object, depth: int, allowance: _Allowance) -> object:
    allowance.take(value)
    if depth > MAX_DEPTH:
        raise PydanticCustomError("document_depth", "must not be nested deeper than {depth}", {"depth": MAX_DEPTH})
    match value:
        case str():
            try:
                return normalise(value, is_prose=True)
            except ValueError as error:
                raise PydanticCustomError("text_character", "{problem}", {"problem": str(error)}) from None
        case Mapping():
            return {
                _checked(key, depth + 1, allowance): _checked(item, depth + 1, allowance) for key, item in value.items()
            }
        case list() | tuple():
            return [_checked(item, depth + 1, allowance) for item in value]
        case float() if value != value or value in {float("inf"), float("-inf")}:
            raise PydanticCustomError("finite_number", "must not contain NaN or Infinity")
        case int() if not -(2**63) <= value < 2**63:
            raise PydanticCustomError("int_size", "must not contain integers beyond 64 bits")
    return value


# A JSON object whose own rules are checked later: every key and value in it is text as above, finite and not too deep.
JsonDocument = Annotated[dict[str, Any], BeforeValidator(_checked_document)]
