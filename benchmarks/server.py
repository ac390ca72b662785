"""Serves pages and pictures on this machine, prepared: it costs the crawler's side of the machine as little as can be.

python -m benchmarks.server ARTICLES PAGE_BYTES     # prints its port when it is ready
"""

from __future__ import annotations

import asyncio
import gzip
import os
import random
import re
import socket
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import cycle, islice

from benchmarks.pages import bodies, id_of, page_of

PICTURE = b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(60_000)
_GET = re.compile(rb"GET (?:http://[^/ ]*)?/(?:rain/a/(\w+)|(picture/)|(sitemap/))")
_BODY_PICTURE = re.compile(r'(<img\b[^>]*?\bsrc=")https?://')
_THUMBNAIL = re.compile(rb'(<meta property="og:image" content=")https?://')
_NOTHING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def answer(kind: str, body: bytes, extra: str = "") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def page(numbered: tuple[int, str], size: int, port: int) -> bytes:
    """Its pictures are on this machine and no other article's: none has to wait for a host that cannot be reached."""
    number, body = numbered
    local = rf"\1http://127.0.0.1:{port}/picture/{number}/"
    whole = page_of(_BODY_PICTURE.sub(local, body), number, size)
    packed = gzip.compress(_THUMBNAIL.sub(local.encode(), whole), 6)
    return answer("text/html; charset=utf-8", packed, "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n")


async def serve(listener: socket.socket, pages: dict[bytes, bytes]) -> None:
    picture = answer("image/png", PICTURE)
    places = "".join(f"<url><loc>https://news.qq.com/rain/a/{it.decode()}</loc></url>" for it in pages)
    sitemap = answer("text/xml", f"<urlset>{places}</urlset>".encode())

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                found = _GET.match(await reader.readuntil(b"\r\n\r\n"))
                body = _NOTHING
                if found:
                    body = picture if found[2] else sitemap if found[3] else pages.get(found[1], _NOTHING)
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(handle, sock=listener)
    print(listener.getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    articles, size = int(sys.argv[1]), int(sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0))
    numbered = list(enumerate(islice(cycle(bodies()), articles)))
    make = partial(page, size=size, port=listener.getsockname()[1])
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        packed = pool.map(make, numbered, chunksize=50)
        pages = {id_of(number).encode(): each for (number, _), each in zip(numbered, packed, strict=True)}
    asyncio.run(serve(listener, pages))


if __name__ == "__main__":
    main()
