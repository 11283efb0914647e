"""The stack on one machine: embedded PostgreSQL and a supervisor over the services."""
