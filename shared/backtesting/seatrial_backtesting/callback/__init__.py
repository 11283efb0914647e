"""Runs a strategy written as a callback, bar by bar."""
