"""HTTP routes of the engine."""
