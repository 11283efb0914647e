"""The stress service: Locust load against an engine, and what it proves."""
