"""Writes pages as they came into WARC files, and closes files that killed runs left open.

A run has one file, `pages/qq-<time>-<run>.warc.gz`: a `warcinfo` record, then for each answer a `response`
(or, when the same bytes are stored already, a `revisit`) and a `metadata` record about it, each a gzip
member of its own. While the run goes on, the file's name ends in `.open`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from itertools import chain, count
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from newsarchive.archive.files import is_file, make_folder, open_descriptor, sync_folder
from newsarchive.archive.records import Member, Record, members
from newsarchive.items import Page

logger = logging.getLogger(__name__)

OPEN = ".open"
_WARC = ".warc.gz"
VERSION = "1.1"  # which has microseconds in its dates
ORIGINAL = "X-Archive-Orig-"
"""The usual prefix for a header that was true of the transfer and is not of the unpacked body."""
_METADATA = re.compile(rb"WARC/1\.1\r\n(WARC-[^\r\n]*\r\n)*?WARC-Type: metadata\r\n")


def packed(answer: Page, about: Mapping[str, str], original: Record | None = None) -> bytes:
    """The two records of an answer, each a gzip member: a `revisit` when an `original` has the same bytes.

    The `metadata` record says what we know `about` it. It comes second and completes the pair: `close_open_files`
    keeps whole pairs only.
    """
    out = BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version=VERSION)
    url, body, date, about_id = answer.url, answer.html, warc_date(answer.fetched), f"<urn:uuid:{uuid4()}>"
    phrase = next((it.phrase for it in HTTPStatus if it == answer.status), "Unknown")  # for 567 and other own numbers
    status = f"{answer.status} {phrase}"
    headers: dict[str, Any] = {
        "http_headers": StatusAndHeaders(status, _stored_headers(answer), protocol="HTTP/1.1"),
        "warc_headers_dict": {"WARC-Date": date, "WARC-Concurrent-To": about_id},
    }
    if original:
        first = original.payload_digest, original.url, warc_date(original.date)
        record = writer.create_revisit_record(url, *first, **headers)
    else:
        record = writer.create_warc_record(url, "response", payload=BytesIO(body), length=len(body), **headers)
    writer.write_record(record)
    fields = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in about.items() if value)
    block = fields.encode("utf-8", "surrogatepass")
    answer_id = record.rec_headers.get_header("WARC-Record-ID")
    record = writer.create_warc_record(
        url,
        "metadata",
        payload=BytesIO(block),
        length=len(block),
        warc_content_type="application/warc-fields",
        warc_headers_dict={"WARC-Record-ID": about_id, "WARC-Date": date, "WARC-Refers-To": answer_id},
    )
    writer.write_record(record)
    return out.getvalue()


def warcinfo(name: str, software: str) -> bytes:
    out = BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version=VERSION)
    specification = "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"
    info = {"software": software, "format": f"WARC File Format {VERSION}", "conformsTo": specification}
    writer.write_record(writer.create_warcinfo_record(name, info))
    return out.getvalue()


def warc_date(date: datetime) -> str:
    return f"{date.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _stored_headers(answer: Page) -> list[tuple[str, str]]:
    untrue = {"content-encoding", "transfer-encoding"}  # Scrapy undoes them
    if answer.header("Content-Length").strip() != str(len(answer.html)):
        untrue.add("content-length")
    return [
        (f"{ORIGINAL}{name}" if name.lower() in untrue else name, _one_line(value)) for name, value in answer.headers
    ]


def _one_line(value: str) -> str:
    """JSON may span lines; between its tokens a space is equivalent."""
    return value.replace("\r", " ").replace("\n", " ")


class WarcFile:
    """One run's file. It is created with the first answer, so an idle run leaves none."""

    def __init__(self, path: Path, software: str) -> None:
        self.path = path
        """Its name once it is closed."""
        self._part = path.with_name(path.name + OPEN)
        self._software = software
        self._lock = Lock()
        self._end = 0
        self._descriptor = -1

    def add(self, answer: Page, original: Record | None = None, about: Mapping[str, str] | None = None) -> int:
        """Returns the offset of the `response` (or `revisit`) record, which is on disk then. From any thread.

        Args:
            about: What we know about an answer that is no page.

        Raises:
            OSError: the disk is full or broken; the file ends with the last whole record.
        """
        of_page = {"article-id": answer.article_id, "thumbnail": answer.thumbnail, "entry": answer.entry}
        about = {"source": answer.source} | dict(about or of_page)
        records = packed(answer, about, original)  # the costly part: threads do it in parallel
        with self._lock:
            if self._descriptor < 0:
                make_folder(self.path.parent)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
                self._descriptor = os.open(self._part, flags, 0o666)
                sync_folder(self._part.parent)
            data = records if self._end else warcinfo(self.path.name, self._software) + records
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
                os.fsync(self._descriptor)
            except OSError:
                os.ftruncate(self._descriptor, self._end)
                raise
            self._end += len(data)
            return self._end - len(records)

    def close(self) -> None:
        with self._lock:
            if self._descriptor < 0:
                return
            os.close(self._descriptor)
            self._descriptor = -1
            if self._end:
                _give_name(self._part)
            else:  # the disk was full from the first answer on
                self._part.unlink()


def close_open_files(folder: Path) -> None:
    """Closes the files that killed runs left open.

    To be called with the lock held. Only records that no ledger row names yet are cut off. A file without
    an answer is removed.
    """
    for part in filter(is_file, sorted(folder.glob(f"*{_WARC}{OPEN}"))):  # `scrapy verify` reports others
        with os.fdopen(open_descriptor(part, os.O_RDWR), "r+b") as file:
            # a damaged member is skipped, and `scrapy verify` reports it; a torn one is the last
            whole = (member for member in members(file) if isinstance(member, Member))
            end = max((member.end for member in whole if _METADATA.match(member.data)), default=0)
            cut = os.fstat(file.fileno()).st_size - end
            file.truncate(end)
            os.fsync(file.fileno())
        if not end:
            part.unlink()
            continue
        path = _give_name(part)
        logger.warning("%s: completed after a killed run, %d bytes of an incomplete record removed", path, cut)


def _give_name(part: Path) -> Path:
    """Closes a file by renaming it. Where another one has the name already, such as from a backup, both are kept."""
    path = part.with_name(part.name.removesuffix(OPEN))
    names = (path.with_name(f"{path.name.removesuffix(_WARC)}-{nth}{_WARC}") for nth in count(2))
    path = next(name for name in chain([path], names) if not os.path.lexists(name))
    part.rename(path)
    sync_folder(part.parent)
    return path
