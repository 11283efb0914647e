"""Auto trading on stored bars."""
