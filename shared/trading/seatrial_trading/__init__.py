"""Indicators, strategies, fill rules and the look-ahead check."""
