"""The result document and its metrics."""
