"""Auto-trading on stored bars as if they came in now."""
