"""An answer of the site as the records of a WARC file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from uuid import uuid4

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from newsarchive.items import Page

VERSION = "1.1"  # which has microseconds in its dates
ORIGINAL = "X-Archive-Orig-"
"""The usual prefix for a header that was true of the transfer and is not of the unpacked body."""
_WIRE_HEADERS = {"content-encoding", "transfer-encoding"}


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """An answer of the site, to be written."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    """Unpacked: Scrapy undoes transfer and content encodings."""
    date: datetime
    about: Mapping[str, str] = field(default_factory=dict)
    """What we know about it, for the `metadata` record; empty values are left out."""


@dataclass(frozen=True, kw_only=True)
class Original:
    """An earlier capture with the same bytes, which a `revisit` record refers to."""

    url: str
    date: datetime
    payload_digest: str


def page_exchange(page: Page) -> Exchange:
    about = {
        "source": page.source,
        "article-id": page.article_id,
        "thumbnail": page.thumbnail,
        "entry": page.entry,
    }
    return Exchange(
        url=page.url, status=page.status, headers=page.headers, body=page.html, date=page.fetched, about=about
    )


def list_exchange(
    source: str, where: str, *, url: str, status: int, headers: tuple[tuple[str, str], ...],
    body: bytes, request_body: bytes, date: datetime,
) -> Exchange:  # fmt: skip
    """A list's reply. `request_body` says which page of which list it is: the URL is the same for all."""
    about = {"source": source, "list": where, "request-body": request_body.decode("utf-8", "replace")}
    return Exchange(url=url, status=status, headers=headers, body=body, date=date, about=about)


def packed(exchange: Exchange, original: Original | None = None) -> bytes:
    """The two records of an exchange, each a gzip member.

    The `metadata` record comes second and completes the pair: `mend` keeps whole pairs only.
    """
    out = BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version=VERSION)
    http = StatusAndHeaders(_status_line(exchange.status), _stored_headers(exchange), protocol="HTTP/1.1")
    about_id = f"<urn:uuid:{uuid4()}>"
    marks = {"WARC-Date": warc_date(exchange.date), "WARC-Concurrent-To": about_id}
    if original:
        answer = writer.create_revisit_record(
            exchange.url, original.payload_digest, original.url, warc_date(original.date),
            http_headers=http, warc_headers_dict=marks,
        )  # fmt: skip
    else:
        answer = writer.create_warc_record(
            exchange.url, "response", payload=BytesIO(exchange.body), length=len(exchange.body),
            http_headers=http, warc_headers_dict=marks,
        )  # fmt: skip
    writer.write_record(answer)
    fields = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in exchange.about.items() if value)
    block = fields.encode("utf-8", "surrogatepass")
    writer.write_record(
        writer.create_warc_record(
            exchange.url, "metadata", payload=BytesIO(block), length=len(block),
            warc_content_type="application/warc-fields",
            warc_headers_dict={
                "WARC-Record-ID": about_id,
                "WARC-Date": marks["WARC-Date"],
                "WARC-Refers-To": answer.rec_headers.get_header("WARC-Record-ID"),
            },
        )
    )  # fmt: skip
    return out.getvalue()


def warcinfo(name: str, software: str) -> bytes:
    out = BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version=VERSION)
    info = {
        "software": software,
        "format": f"WARC File Format {VERSION}",
        "conformsTo": "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
    }
    writer.write_record(writer.create_warcinfo_record(name, info))
    return out.getvalue()


def warc_date(date: datetime) -> str:
    return f"{date.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:  # 567 and other numbers of the site's own
        return f"{status} Unknown"


def _stored_headers(exchange: Exchange) -> list[tuple[str, str]]:
    return [
        (name if _still_true(name, value, exchange.body) else f"{ORIGINAL}{name}", _one_line(value))
        for name, value in exchange.headers
    ]


def _still_true(name: str, value: str, body: bytes) -> bool:
    if name.lower() == "content-length":
        return value.strip() == str(len(body))
    return name.lower() not in _WIRE_HEADERS


def _one_line(value: str) -> str:
    """JSON may span lines; between its tokens a space is equivalent."""
    return value.replace("\r", " ").replace("\n", " ")
