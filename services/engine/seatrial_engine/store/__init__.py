"""All SQL of the engine service."""
