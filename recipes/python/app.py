"""Answers every request with what it runs on."""

import http.server
import os
import platform


def greeting() -> str:
    return f"Hello from Python {platform.python_version()}\n"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = greeting().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    address = ("", int(os.environ.get("PORT", "8000")))
    http.server.ThreadingHTTPServer(address, Handler).serve_forever()
