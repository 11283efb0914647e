"""Bounds of a result over the possible price paths of its ambiguous bars."""
