"""Locust's own web page behind the service's login."""
