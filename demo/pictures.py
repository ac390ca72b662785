"""Small real pictures, made from the key: different keys give different bytes."""

from __future__ import annotations

import hashlib
import struct
import zlib
from functools import lru_cache
from pathlib import Path

_MEDIA = Path(__file__).parent / "media"
_JPEGS = [path.read_bytes() for path in sorted(_MEDIA.glob("*.jpg"))]
_WEBPS = [path.read_bytes() for path in sorted(_MEDIA.glob("*.webp"))]
_GIF = (_MEDIA / "moon.gif").read_bytes()
_GIF_COLOURS = _GIF[13:19]
"""The two colours of the palette, which is in the file once and again before each later frame."""


@lru_cache(maxsize=2000)
def picture(key: str) -> tuple[str, bytes]:
    """Content type and bytes of the picture of a key. Keys that begin with `G` are animated GIFs."""
    digest = hashlib.sha256(key.encode()).digest()
    if key.startswith("G"):
        return "image/gif", _GIF.replace(_GIF_COLOURS, digest[:6])
    if digest[0] % 3 == 0:
        comment = key.encode()
        segment = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
        scene = _JPEGS[digest[1] % len(_JPEGS)]
        return "image/jpeg", scene[:2] + segment + scene[2:]
    if digest[0] % 3 == 1:
        chunk = b"DEMO" + struct.pack("<I", 32) + digest
        body = _WEBPS[digest[1] % len(_WEBPS)][8:] + chunk
        return "image/webp", b"RIFF" + struct.pack("<I", len(body)) + body
    return "image/png", _png(digest)


def _png(digest: bytes) -> bytes:
    """A landscape of two colours, 320 by 180."""
    width, height = 320, 180
    sky, land = digest[1:4], digest[4:7]
    hill = [height // 2 + (digest[7 + x * 16 // width] % 48) for x in range(width)]
    rows = b"".join(b"\0" + b"".join(sky if y < hill[x] else land for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
