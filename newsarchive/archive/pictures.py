"""Pictures of the archive: their kinds, their paths, how a document links to them."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from newsarchive.archive.files import PICTURES
from newsarchive.markdown.document import CodeSpans

_BMP_HEADERS = {size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124)}

# What every browser shows. No SVG: it can hold a script, which would run as part of the reader's own site.
_KINDS: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("jpg", lambda data: data.startswith(b"\xff\xd8\xff")),
    ("png", lambda data: data.startswith(b"\x89PNG\r\n\x1a\n")),
    ("gif", lambda data: data.startswith((b"GIF87a", b"GIF89a"))),
    ("webp", lambda data: data.startswith(b"RIFF") and data[8:12] == b"WEBP"),
    ("avif", lambda data: data[4:8] == b"ftyp" and b"avi" in data[8 : min(int.from_bytes(data[:4]), 64)]),
    ("bmp", lambda data: data.startswith(b"BM") and data[6:10] == bytes(4) and data[14:18] in _BMP_HEADERS),
)

# Proxies on the reader's own machine answer every name with an address of this range (RFC 2544).
_STAND_IN = ip_network("198.18.0.0/15")

_FENCE = re.compile(r"[ >]*(?:(?:[-+*]|\d{1,9}[.)])[ >]+)*(?P<marks>`{3,}|~{3,})")
# An escape, a run of back-ticks, the start of a picture's label, the end of a label with its link.
_MARK = re.compile(r"\\.|(?P<ticks>`+)|(?P<opens>!\[)|(?P<closes>\])(?:\((?P<link>(?:\\.|[^()\s\\])*)\))?")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_NAME = re.compile(r"\d{2,}-(?P<digits>[0-9a-f]{16})\.[a-z]+")
_LABEL = re.compile(r"[0-9a-z]([0-9a-z_-]{0,61}[0-9a-z])?")
_THUMBNAIL = "thumbnail: "


def picture_kind(data: bytes) -> str:
    """File extension of a picture, by its first bytes; `""` for anything else."""
    return next((kind for kind, matches in _KINDS if matches(data[:64])), "")


def picture_folder(document: PurePosixPath) -> PurePosixPath:
    """Folder of a document's pictures; both paths are below the archive's folder.

    >>> picture_folder(PurePosixPath("content/qq/2025/02/20250211A06DM600.md")).as_posix()
    'pictures/qq/2025/02/20250211A06DM600'
    """
    return PurePosixPath(PICTURES, *document.parts[1:-1], document.stem)


def picture_name(nth: int, digest: str, kind: str) -> str:
    """`nth` is 0 for the thumbnail; `digest` the SHA-256 of the bytes.

    >>> picture_name(3, "9f86d081884c7d659a2feaa0c55ad015", "jpg")
    '03-9f86d081884c7d65.jpg'
    """
    return f"{nth:02d}-{digest[:16]}.{kind}"


def picture_digits(path: str) -> str:
    """The part of the digest in a picture's name; `""` for a name that `picture_name` did not make."""
    found = _NAME.fullmatch(PurePosixPath(path).name)
    return found["digits"] if found else ""


def picture_url(path: str, prefix: str) -> str:
    """The link to an archived picture in a document: its URL on the static site.

    >>> picture_url("pictures/qq/2025/02/20250211A06DM600/00-9f86d081884c7d65.jpg", "/pictures/")
    '/pictures/qq/2025/02/20250211A06DM600/00-9f86d081884c7d65.jpg'
    """
    return f"{prefix.rstrip('/')}/{path.removeprefix(f'{PICTURES}/')}"


def picture_path(url: str, prefix: str) -> str:
    """Path of the picture behind such a link: the inverse of `picture_url`; `""` for a link to the site."""
    place = url.removeprefix(f"{prefix.rstrip('/')}/")
    return f"{PICTURES}/{place}" if place != url else ""


def is_wanted(url: str, domains: Iterable[str]) -> bool:
    """Whether a picture is to be fetched: from a picture host of the site, which is a name or a listed address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port, url.encode()  # raise for a URL that no request can be made for
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or "@" in parts.netloc:
        return False
    named = len(host) <= 253 and all(_LABEL.fullmatch(label) for label in host.split("."))
    return any(host == domain or (named and host.endswith(f".{domain}")) for domain in domains)


def is_private(address: str) -> bool:
    """Whether the address is in a private network: no picture host has one, unless its name was made to point there."""
    parsed = ip_address(address)
    return not parsed.is_global and parsed not in _STAND_IN


def picture_links(document: str) -> list[str]:
    """The picture links of a document as written: the thumbnail (or `""`) first, then the body's."""
    return [link for *_, link in _links(document)]


def localised(document: str, links: Mapping[str, str]) -> str:
    """The document with the picture links in `links` replaced, in the thumbnail and in the body."""
    return _replaced(document, lambda link: links.get(link, link)) if links else document


def same_text(one: str, other: str) -> bool:
    """Whether two documents differ in nothing but the links of their pictures."""
    return _replaced(one, lambda _: "") == _replaced(other, lambda _: "")


def _replaced(document: str, other: Callable[[str], str]) -> str:
    parts: list[str] = []
    done = 0
    for start, end, link in _links(document):
        if (new := other(link)) != link:
            parts += [document[done:start], new]
            done = end
    return "".join([*parts, document[done:]])


def _links(document: str) -> Iterator[tuple[int, int, str]]:
    """Where each picture link starts and ends, and what it says. Code is skipped."""
    end_of_front_matter = document.find("\n---\n", 3) if document.startswith("---\n") else -1
    fence, at = "", 0
    for line in document.split("\n"):
        marks = _FENCE.match(line) if "```" in line or "~~~" in line else None
        if at <= end_of_front_matter:
            if line.startswith(_THUMBNAIL):
                try:
                    link = str(json.loads(line.removeprefix(_THUMBNAIL)))
                except (ValueError, RecursionError):
                    link = ""  # this program did not write it: it is left as it is
                yield at + len(_THUMBNAIL) + 1, at + len(line) - 1, link
        elif fence:
            closes = marks and marks["marks"].startswith(fence) and not line[marks.end() :].strip("`~ ")
            fence = "" if closes else fence
        elif marks:
            fence = marks["marks"]
        elif "![" in line:
            yield from ((at + start, at + end, link) for start, end, link in _links_in_line(line))
        at += len(line) + 1


def _links_in_line(line: str) -> Iterator[tuple[int, int, str]]:
    spans, at, in_label = CodeSpans(line), 0, False
    while found := _MARK.search(line, at):
        at = found.end()
        if found["ticks"]:
            if (end := spans.end(at, len(found["ticks"]))) >= 0:
                at = end + len(found["ticks"])
        elif found["opens"]:
            in_label = True
        elif found["closes"]:
            if in_label and found["link"] is not None:
                yield *found.span("link"), _ESCAPED.sub(r"\1", found["link"])
            in_label = False
