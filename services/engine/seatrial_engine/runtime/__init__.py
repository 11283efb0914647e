"""Background work of the engine: the writer, the outbox relay, the heartbeat."""
