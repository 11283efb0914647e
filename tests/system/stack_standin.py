"""A stand-in service for the supervisor's tests: answers /health/ready, ends on SIGTERM and at the end of its pipe."""

import json
import os
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer


class Ready(BaseHTTPRequestHandler):
    """Answer every request with the variables that the supervisor set."""

    def do_GET(self) -> None:
        """Answer."""
        mine = {name: value for name, value in os.environ.items() if name.startswith(("SEATRIAL_", "ALERT_"))}
        body = json.dumps({"pid": os.getpid(), "environment": mine}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Stay quiet."""


def end_with_parent() -> None:
    """Wait for the end of the pipe, then end."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def inherited(port: str) -> list[socket.socket]:
    """Return the sockets that the supervisor passed for a port."""
    entries = dict(entry.split("=") for entry in os.environ["SEATRIAL_LISTEN_DESCRIPTORS"].split(";"))
    return [socket.socket(fileno=int(descriptor)) for descriptor in entries[port].split(",")]


def serve(listeners: list[socket.socket]) -> None:
    """Answer at the first socket, which is IPv4."""
    server = HTTPServer(("127.0.0.1", 0), Ready, bind_and_activate=False)
    server.socket.close()
    server.socket = listeners[0]
    server.serve_forever()


def main() -> int:
    """Serve until SIGTERM; refuse to start with the message in STANDIN_REFUSES."""
    if os.environ.get("STANDIN_REFUSES"):
        sys.stderr.write(f"{os.environ['STANDIN_REFUSES']}\n")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    threading.Thread(target=end_with_parent, daemon=True).start()
    serve(inherited(os.environ[sys.argv[1]]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
