"""The rule language: strategies as JSON or YAML documents, compiled to signals; a document can never see ahead."""

from seatrial_trading.strategy.rules.schema import json_schema
from seatrial_trading.strategy.rules.strategy import RuleStrategy, compile_rules
from seatrial_trading.strategy.rules.text import read_text

__all__ = ["RuleStrategy", "compile_rules", "json_schema", "read_text"]
