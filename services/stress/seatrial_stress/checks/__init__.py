"""Compares what was sent with the engine's records and decides the verdict."""
