"""Serves the demo site over HTTP: `python -m demo.server`, or `Server` in a test."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import signal
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from demo.faults import Answer
from demo.site import Site

_NO_LINGER = struct.pack("ii", 1, 0)


class Server:
    """Serves a site on a port of this machine, in threads of this process.

    `stop` and then `start` simulate a server that fails and is restarted on the same port.
    """

    def __init__(self, site: Site, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.site = site
        self.host = host
        self.port = port
        self.tls = tls
        self._http: _Http | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def start(self) -> None:
        self._http = _Http((self.host, self.port), _Handler)
        self.port = self._http.server_address[1]
        if self.tls:
            self._http.socket = self.tls.wrap_socket(self._http.socket, server_side=True)
        self._http.site = self.site
        self.site.base = self.url
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Close the port and every open connection, as a killed process would."""
        if self._http:
            self._http.shutdown()
            self._http.server_close()
            self._http.close_connections()
            self._http = None


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    site: Site

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it was closed in the meantime

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that closed its connection; print any other error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _serve(self, body: bytes) -> None:
        if self.path == "/_control":
            self._send(control(self.server.site, body))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.site.answer(self.command, self.path, headers, body)
        if answer.seconds:
            time.sleep(answer.seconds)
        if answer.wire:
            self._send_faulty(answer)
        else:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        data, headers = answer.body, list(answer.headers)
        accepts = "gzip" in self.headers.get("Accept-Encoding", "")
        compressible = answer.content_type.startswith(("text/", "application/"))
        encoded = any(name == "Content-Encoding" for name, _ in headers)
        if accepts and compressible and not encoded and 500 < len(data) < 2_000_000:
            data = _compressed(data)
            headers.append(("Content-Encoding", "gzip"))
        if not answer.sends_length:
            self.close_connection = True
        self._head(answer, headers, len(data) if answer.sends_length else None)
        self.wfile.write(data)

    def _head(self, answer: Answer, headers: list[tuple[str, str]], length: int | None) -> None:
        self.send_response(answer.status)
        if answer.status != 304:
            self.send_header("Content-Type", answer.content_type)
        if length is not None and answer.status != 304:
            self.send_header("Content-Length", str(length))
        for name, value in headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _send_faulty(self, answer: Answer) -> None:
        """Send the answer with its fault, then close the connection."""
        self.close_connection = True
        size = len(answer.body)
        announced = {"long-length": size + 1000, "short-length": size * 2 // 3}.get(answer.wire, size)
        sent = size if answer.wire in ("long-length", "short-length") else size // 2
        if answer.wire != "reset":
            self._head(answer, list(answer.headers), announced)
            self.wfile.write(answer.body[:sent])
        if answer.wire.startswith("reset"):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            os.close(self.connection.detach())

    def log_message(self, *_: Any) -> None:
        """Log nothing: `GET /_control` returns the requests."""


def control(site: Site, body: bytes) -> Answer:
    """Answer a request to `/_control`: return the counts and, if it has a body, make that change first.

    `{"do": "edit", "id": "…", "title": "…"}`, and `rewrite`, `delete`, `publish`, `reorder`, `list_again`,
    `forget`; `{"do": "fault", "path": "/rain/a/*", "kind": "500", "times": 3}`; `{"do": "layout", "name": "next"}`.
    """
    changes: dict[str, Callable[..., None]] = {
        "edit": site.edit,
        "rewrite": site.rewrite,
        "delete": site.delete,
        "publish": site.publish,
        "reorder": site.reorder,
        "list_again": site.list_again,
        "forget": site.forget,
        "fault": site.faults.add,
        "clear": site.faults.clear,
        "layout": site.set_layout,
    }

    def refused(problem: str) -> Answer:
        return Answer(400, f"{problem}\n".encode(), "text/plain; charset=utf-8")

    try:
        order = json.loads(body or b"{}")
        change = changes[order.pop("do")] if order else None
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        return refused(f"{error!r}: expected {', '.join(changes)}")
    try:
        if change:
            change(**order)
    except KeyError as error:
        return refused(f"{error}: expected the id of an article")
    except (TypeError, ValueError) as error:
        return refused(str(error))
    reply = {"asked": site.counts(), "articles": [story.id for story in site.articles()]}
    return Answer(200, json.dumps(reply, ensure_ascii=False).encode(), "application/json")


@lru_cache(maxsize=500)
def _compressed(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m demo.server",
        description="Serve a made-up news site.",
        epilog="""POST http://HOST:PORT/_control edits, deletes and breaks it, e.g. curl --data '{"do": "layout",
        "name": "next"}'; docs/rehearse.md has all of its switches.""",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--articles", type=int, default=0, help="generate stories up to this many articles")
    parser.add_argument("--layout", choices=["today", "next"], default="today")
    parser.add_argument("--newest", type=datetime.fromisoformat, help="publish time of the newest article, Beijing")
    parser.add_argument("--local-pictures", action="store_true", help="pages use picture addresses on this server")
    parser.add_argument("--filler", type=int, default=45_000, help="size of a page's style sheet")
    options = parser.parse_args()
    site = Site(
        articles=options.articles,
        newest=options.newest,
        layout=options.layout,
        local_pictures=options.local_pictures,
        filler=options.filler,
    )
    server = Server(site, options.host, options.port)
    try:
        server.start()
    except (OSError, OverflowError) as error:
        parser.exit(2, f"{parser.prog}: cannot listen on port {options.port} of {options.host}: {error}\n")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        print(f"listening on {server.url}", flush=True)  # from now on it may be stopped
        signal.pause()
    except KeyboardInterrupt:
        server.stop()


if __name__ == "__main__":
    main()
