"""Parses a whole rule document."""

from collections.abc import Mapping
from typing import Literal, cast

from seatrial_core.errors import ValidationFailed, field_error
from seatrial_core.json_types import JsonMapping
from seatrial_trading.quant import sizing
from seatrial_trading.strategy.rules.expression_parser import COLUMNS, MAX_NODES, NAME, ExpressionParser
from seatrial_trading.strategy.rules.functions import FUNCTIONS, MAX_BARS
from seatrial_trading.strategy.rules.syntax_tree import Distance, Indicator, Number, Side, Size, StrategyRuleDocument

VERSION = 1
KEYS = ("version", "name", "side", "indicators", "entry", "exit", "stop_loss", "take_profit", "trailing", "sizing")
STOPS = ("ratio", "atr_mult")
DISTANCES = {"stop_loss": STOPS, "take_profit": (*STOPS, "r_multiple"), "trailing": STOPS}
HIGHEST = {"stop_loss": 0.99, "take_profit": 100.0, "trailing": 0.99}


def parse_document(raw: object) -> StrategyRuleDocument:
    """Return the parsed rule document.

    Args:
        raw: The document as JSON data.

    Raises:
        ValidationFailed: Names the field, its value and what is allowed.
    """
    if not isinstance(raw, Mapping):
        raise field_error("rules", type(raw).__name__, "an object")
    _check_keys(raw, "rules", KEYS)
    if raw.get("version") != VERSION or isinstance(raw["version"], bool):
        raise field_error("version", raw.get("version"), str(VERSION))
    if "entry" not in raw:
        raise field_error("entry", None, "a condition; a document without an entry never trades")
    parser = ExpressionParser()
    _parse_indicators(parser, raw.get("indicators", {}))
    entry = parser.condition(raw["entry"], "entry")
    leave = parser.condition(raw["exit"], "exit") if raw.get("exit") is not None else None
    distances = {name: _distance(parser, raw.get(name), name) for name in DISTANCES}
    target = distances["take_profit"]
    if target is not None and target.kind == "r_multiple" and distances["stop_loss"] is None:
        raise field_error("take_profit.r_multiple", raw["take_profit"]["r_multiple"], "only together with a stop_loss")
    return StrategyRuleDocument(
        name=_name(raw.get("name", "rules")),
        side=_side(raw.get("side", "long")),
        indicators=parser.indicators,
        entry=entry,
        exit=leave,
        **distances,
        size=_size(parser, raw.get("sizing")),
        parameters=parser.parameters,
    )


def _name(name: object) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise field_error("name", name, f"a name like ^{NAME.pattern}$")
    return name


def _side(side: object) -> Side:
    if side == "long" or side == "short":
        return side
    raise field_error("side", side, "long or short")


def _parse_indicators(parser: ExpressionParser, raw: object) -> None:
    if not isinstance(raw, Mapping) or len(raw) > MAX_NODES:
        raise field_error("indicators", type(raw).__name__, f"an object of at most {MAX_NODES} indicators")
    parser.nodes = len(raw)
    for name, item in raw.items():
        if not isinstance(name, str) or not NAME.fullmatch(name) or name in COLUMNS:
            raise field_error("indicators", name, f"a name like ^{NAME.pattern}$ that is not {', '.join(COLUMNS)}")
        parser.indicators[name] = _indicator(parser, item, f"indicators.{name}")


def _indicator(parser: ExpressionParser, item: object, path: str) -> Indicator:
    if not isinstance(item, Mapping):
        raise field_error(path, item, "an object like {'fn': 'rsi', 'n': 14}")
    fn = item.get("fn")
    if not isinstance(fn, str) or fn not in FUNCTIONS:
        raise field_error(f"{path}.fn", fn, f"one of {', '.join(FUNCTIONS)}")
    function = FUNCTIONS[fn]
    _check_keys(item, path, ("fn", *function.arguments, *(("source",) if function.has_source else ())))
    source = item.get("source", "close")
    if source not in COLUMNS:
        raise field_error(f"{path}.source", source, f"one of {', '.join(COLUMNS)}")
    arguments: dict[str, Number] = {}
    for name, argument in function.arguments.items():
        number = item.get(name, argument.default)
        arguments[name] = parser.number(
            number, f"{path}.{name}", argument.low, argument.high, is_whole=argument.is_whole
        )
    fast, slow = arguments.get("fast", 0.0), arguments.get("slow", 1.0)
    if isinstance(fast, float) and isinstance(slow, float) and fast >= slow:
        raise field_error(f"{path}.fast", fast, f"less than slow, which is {slow:g}")
    return Indicator(fn, arguments, str(source))


def _distance(parser: ExpressionParser, item: object, field: str) -> Distance | None:
    if item is None:
        return None
    kinds = DISTANCES[field]
    kind = next((name for name in kinds if isinstance(item, Mapping) and name in item), None)
    if kind is None or not isinstance(item, Mapping):
        raise field_error(field, item, f"an object with one key of {', '.join(kinds)}, as in {{'ratio': 0.02}}")
    _check_keys(item, field, (kind, "n") if kind == "atr_mult" else (kind,))
    high = HIGHEST[field] if kind == "ratio" else 1_000.0
    number = parser.number(item[kind], f"{field}.{kind}", 1e-9, high)
    n = parser.number(item.get("n", 14), f"{field}.n", 1, MAX_BARS, is_whole=True)
    return Distance(cast(Literal["ratio", "atr_mult", "r_multiple"], kind), number, n)  # one of `kinds`


def _size(parser: ExpressionParser, item: object) -> Size | None:
    if item is None:
        return None
    if isinstance(item, str):
        parsed = sizing.parse(item, "sizing")
        return Size(parsed.kind.value, parsed.value, parsed.cap)
    kinds = [kind.value for kind in sizing.SizingKind]
    if not isinstance(item, Mapping) or len(item) != 1 or next(iter(item)) not in kinds:
        raise field_error("sizing", item, f"a text like equity:1.0, or an object with one key of {', '.join(kinds)}")
    kind, value = next(iter(item.items()))
    if kind == "kelly" and isinstance(value, Mapping) and "param" not in value:
        _check_keys(value, "sizing.kelly", ("fraction", "cap"))
        fraction = parser.number(value.get("fraction", 0.5), "sizing.kelly.fraction", 1e-9, 1.0)
        return Size(kind, fraction, parser.number(value.get("cap", 0.25), "sizing.kelly.cap", 1e-9, 1.0))
    return Size(kind, parser.number(value, f"sizing.{kind}", 1e-9, sizing.HIGHEST[sizing.SizingKind(kind)]))


def _check_keys(raw: JsonMapping, path: str, allowed: tuple[str, ...]) -> None:
    for key in raw:
        if key not in allowed:
            place = str(key) if path == "rules" else f"{path}.{key}"
            raise ValidationFailed(
                f"`{place}` is not known here; allowed: {', '.join(allowed)}",
                errors=field_error(place, key, f"one of {', '.join(allowed)}").errors,
            )
