"""Wire models and protocols that services and clients agree on; frozen, and free of web, SQL and numpy."""
