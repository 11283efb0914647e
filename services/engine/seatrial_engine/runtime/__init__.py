"""Background work of the engine: group commit, outbox relay, system metrics."""
