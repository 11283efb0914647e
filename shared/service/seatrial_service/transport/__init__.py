"""The HTTP side below the routes: connections, what a request must satisfy, headers of responses, pages."""
