"""Tables, sessions and the schema's version; one module of tables for each service."""
