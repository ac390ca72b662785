"""An answer with headers without end, or with a line without end, costs that page and nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from newsarchive.archive.ledger import Ledger
from newsarchive.archive.tables import State
from tests.conftest import Crawl, DemoSite, slow
from tests.test_kill import content

LINE, STATUS = b"b" * 60_000, b"HTTP/1.1 200 OK " * 4_000  # of which Twisted takes 16 KiB
ENDLESS = {
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 8_000),
    "one line": (b"HTTP/1.1 200 OK\r\nX-A: ", LINE),
    "status line": (b"", STATUS),
    "one header of many lines": (b"HTTP/1.1 200 OK\r\nX-A: b\r\n", b" b\r\n" * 15_000),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2_500),
}
MOST = 50 * 1024 * 1024


class Endless:
    """Sends to each that asks, without end, and counts what it got rid of."""

    def __init__(self, start: bytes, again: bytes) -> None:
        self.start, self.again = start, again
        self.sent: list[int] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        sent = 0
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(self.start)
            while sent < MOST:
                connection.sendall(self.again)
                sent += len(self.again)
        self.sent.append(sent)

    def stop(self) -> None:
        self._socket.close()


@pytest.fixture(
    params=["headers", slow("one line"), slow("status line"), slow("one header of many lines"), "interim answers"]
)
def endless(request: pytest.FixtureRequest) -> Iterator[Endless]:
    server = Endless(*ENDLESS[request.param])
    yield server
    server.stop()


def test_headers_without_end(crawl: Crawl, demo_site: DemoSite, tmp_path: Path, endless: Endless) -> None:
    first = demo_site.site.articles()[0].id
    url = f"http://127.0.0.1:{endless.port}/rain/a/{first}"
    demo_site.site.faults.add(f"/rain/a/{first}", "redirect", times=-1, value=url)
    result = crawl(tmp_path, site=demo_site, RETRY_TIMES=1, DOWNLOAD_TIMEOUT=30)
    assert result.returncode == 0, result
    assert len(content(tmp_path)) == len(demo_site.site.articles()) - 1
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        row = ledger.get("qq", first)
    assert row is not None
    assert row.state is State.FAILED
    [line] = [line for line in result.stderr.splitlines() if f"{first}: not fetched: " in line]
    assert "its headers are larger than 262,144 bytes" in line or endless.again in (LINE, STATUS)
    assert "Traceback" not in result.stderr
    assert endless.sent
    assert max(endless.sent) < MOST, "the connection was closed long before"
