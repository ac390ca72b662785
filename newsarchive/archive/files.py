"""Where things lie in the archive, and files that are whole or absent."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

LEDGER = "ledger.sqlite"
LOCK = ".lock"
STATUS = "status.json"
CONTENT = "content"
REVISIONS = "revisions"
PICTURES = "pictures"
PAGES = "pages"
QUARANTINE = "quarantine"

_SOURCE = re.compile(r"[a-z][a-z0-9_]{0,30}")
_STRAY = re.compile(r"\..+\.part(-wal|-shm)?")  # SQLite has files beside its own
_ARTICLE_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


def content_path(source: str, published: datetime, article_id: str) -> PurePosixPath:
    """Path of an article below the archive's folder; year and month by the publisher's clock.

    >>> from datetime import timedelta, timezone
    >>> beijing = timezone(timedelta(hours=8))
    >>> content_path("qq", datetime(2025, 2, 11, 14, 29, 25, tzinfo=beijing), "20250211A06DM600").as_posix()
    'content/qq/2025/02/20250211A06DM600.md'
    """
    _check(source, article_id)
    return PurePosixPath(CONTENT, source, f"{published:%Y}", f"{published:%m}", f"{article_id}.md")


def revision_path(source: str, article_id: str, archived: datetime, nth: int = 1) -> PurePosixPath:
    """Path of a former version that was archived at that time; `nth` > 1 when the name is taken.

    Names sort as the versions followed each other: `_` comes after the dot.

    >>> revision_path("qq", "20250211A06DM600", datetime(2025, 2, 11, 6, 30, tzinfo=UTC)).as_posix()
    'revisions/qq/20250211A06DM600/20250211T063000Z.md'
    """
    _check(source, article_id)
    again = "" if nth == 1 else f"_{nth}"
    return PurePosixPath(REVISIONS, source, article_id, f"{archived.astimezone(UTC):%Y%m%dT%H%M%SZ}{again}.md")


def quarantine_path(source: str, article_id: str) -> PurePosixPath:
    """Path of a page that is no whole article; beside it lies a `.json` that says why."""
    _check(source, article_id)
    return PurePosixPath(QUARANTINE, source, f"{article_id}.html.gz")


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that appears under its name when the block ends well, and not at all otherwise."""
    _make_folder(path.parent)
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    # not tempfile: its files can be read by their owner only, and a web server reads these
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_bytes(path: Path, data: bytes) -> None:
    with whole_file(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` safe against a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def stray_files(folder: Path) -> Iterator[Path]:
    """Temporary files that a killed run left; only a run that holds the lock may remove them."""
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names if is_stray(name))


def is_stray(name: str) -> bool:
    """Whether a file of that name is a temporary one of ours."""
    return _STRAY.fullmatch(name) is not None


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def is_article_id(text: str) -> bool:
    return _ARTICLE_ID.fullmatch(text) is not None


def _check(source: str, article_id: str) -> None:
    if not _SOURCE.fullmatch(source):
        raise ValueError(f"{source!r} cannot be the name of a source: lower-case letters, digits, _ expected")
    if not is_article_id(article_id):
        raise ValueError(f"{article_id!r} cannot be an article id: letters, digits, _ and - expected")
