"""Reads large bodies in processes of their own, with limits on memory, time and queue."""
