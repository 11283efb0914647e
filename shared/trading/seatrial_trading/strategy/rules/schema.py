"""The JSON Schema of rule documents, made of the same tables that the reader reads with."""

from seatrial_core.json_types import Json
from seatrial_trading.quant.sizing import HIGHEST, SizingKind
from seatrial_trading.strategy.rules.document_parser import DISTANCES, KEYS, VERSION
from seatrial_trading.strategy.rules.document_parser import HIGHEST as FARTHEST
from seatrial_trading.strategy.rules.expression_parser import (
    ARITHMETIC,
    COLUMNS,
    COMPARE,
    LOGIC,
    MAX_NODES,
    NAME,
    ROLLING,
)
from seatrial_trading.strategy.rules.functions import FUNCTIONS, MAX_BARS, Argument, Function

NAME_PATTERN = f"^{NAME.pattern}$"
SERIES: Json = {"$ref": "#/$defs/series"}
CONDITION: Json = {"$ref": "#/$defs/condition"}
PARAMETER: Json = {"$ref": "#/$defs/parameter"}


def json_schema() -> Json:
    """Return the JSON Schema (2020-12) of rule documents; depth and node limits are the reader's to check."""
    properties: Json = {
        "version": {"const": VERSION},
        "name": {"type": "string", "pattern": NAME_PATTERN},
        "side": {"enum": ["long", "short"], "default": "long"},
        "indicators": {
            "type": "object",
            "maxProperties": MAX_NODES,
            "propertyNames": {"pattern": NAME_PATTERN, "not": {"enum": list(COLUMNS)}},
            "additionalProperties": {"oneOf": [_indicator(fn, item) for fn, item in FUNCTIONS.items()]},
        },
        "entry": CONDITION,
        "exit": {"anyOf": [CONDITION, {"type": "null"}]},
        **{field: {"anyOf": [*_distances(field), {"type": "null"}]} for field in DISTANCES},
        "sizing": {"anyOf": [{"type": "string"}, *map(_sizing, SizingKind), {"type": "null"}]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Seatrial rule document",
        "type": "object",
        "required": ["version", "entry"],
        "additionalProperties": False,
        "properties": {key: properties[key] for key in KEYS},
        "$defs": {"parameter": _parameter(), "series": _series(), "condition": _condition()},
    }


def _parameter() -> Json:
    span = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3}
    name = {"type": "string", "pattern": NAME_PATTERN}
    return _object({"param": name, "range": span, "default": {"type": "number"}}, ["param"])


def _series() -> Json:
    whole = _number(1, MAX_BARS, is_whole=True)
    return {
        "anyOf": [
            {"type": "number"},
            {"type": "string"},
            PARAMETER,
            *(_operation(op, {"type": "array", "items": SERIES, "minItems": 2}) for op in ARITHMETIC),
            *(_operation(op, _pair(SERIES, whole)) for op in ROLLING),
            _operation("shift", _pair(SERIES, _number(0, MAX_BARS, is_whole=True))),
        ]
    }


def _condition() -> Json:
    several = {"type": "array", "items": CONDITION, "minItems": 1}
    return {
        "anyOf": [
            *(_operation(op, CONDITION if op == "not" else several) for op in LOGIC),
            *(
                _operation(op, {"type": "array", "items": SERIES, "minItems": count, "maxItems": count})
                for op, count in COMPARE.items()
            ),
        ]
    }


def _indicator(fn: str, function: Function) -> Json:
    properties: Json = {"fn": {"const": fn}}
    properties |= {name: _argument(item) for name, item in function.arguments.items()}
    if function.has_source:
        properties["source"] = {"enum": list(COLUMNS), "default": "close"}
    return _object(properties, ["fn", *(name for name, item in function.arguments.items() if item.default is None)])


def _argument(item: Argument) -> Json:
    schema = _number(item.low, item.high, is_whole=item.is_whole)
    return schema if item.default is None else {**schema, "default": item.default}


def _distances(field: str) -> list[Json]:
    schemas: list[Json] = []
    for kind in DISTANCES[field]:
        properties: Json = {kind: _number(1e-9, FARTHEST[field] if kind == "ratio" else 1_000.0)}
        if kind == "atr_mult":
            properties["n"] = _number(1, MAX_BARS, is_whole=True)
        schemas.append(_object(properties, [kind]))
    return schemas


def _sizing(kind: SizingKind) -> Json:
    value = _number(1e-9, HIGHEST[kind])
    if kind is SizingKind.KELLY:
        detail = _object({"fraction": _number(1e-9, 1.0), "cap": _number(1e-9, 1.0)}, [])
        return _object({kind.value: {"anyOf": [value, detail]}}, [kind.value])
    return _object({kind.value: value}, [kind.value])


def _number(low: float, high: float, *, is_whole: bool = False) -> Json:
    number = {"type": "integer" if is_whole else "number", "minimum": low, "maximum": high}
    return {"anyOf": [number, PARAMETER]}


def _operation(op: str, argument: Json) -> Json:
    return _object({op: argument}, [op])


def _pair(first: Json, second: Json) -> Json:
    return {"type": "array", "prefixItems": [first, second], "items": False, "minItems": 2}


def _object(properties: Json, required: list[str]) -> Json:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
