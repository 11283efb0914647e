"""Starts load generators, here and on remote workers; only `scenario` imports locust, in a separate process."""
