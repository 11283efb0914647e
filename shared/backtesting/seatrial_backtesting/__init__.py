"""Runs backtests: reads data, runs a strategy through the fill rules, and writes the result and the report."""
