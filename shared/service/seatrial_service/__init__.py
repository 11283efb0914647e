"""What every service shares: web application, authentication, settings, logging and the database."""
