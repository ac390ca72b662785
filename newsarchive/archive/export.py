"""The articles of an archive for other programs: as JSON lines, CSV or Parquet, all with the same columns."""

import csv
import io
import json
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

from newsarchive.archive.documents import document_body, read_document
from newsarchive.archive.files import read_file
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.parallel import Workers, batches, parallel_map
from newsarchive.archive.pictures import picture_links
from newsarchive.archive.tables import Row
from newsarchive.errors import BadArgument, cause
from newsarchive.markdown.document import shown_text

Record = dict[str, Any]
"""One article: its columns in their order, each a `str`, an `int`, a list of `str`, or a `datetime` or `None`."""
Shaped = TypeVar("Shaped", bytes, Record)

_NUMBERS = ("revision",)
_LISTS = ("channels", "site_tags", "pictures")
_TIMES = ("published", "first_seen", "archived", "last_checked", "edited", "removed")
COLUMNS = (
    "id", "source", "url", "title", "published", "publisher", "channels", "site_tags", "summary", "thumbnail",
    "pictures", "family", "language", "text", "markdown", "state", "first_seen", "archived", "last_checked",
    "edited", "removed", "revision", "path",
)  # fmt: skip

_BATCH = 100  # documents that a process gets at a time
_FEW = 2_000  # fewer are all read by this process
_ROW_GROUP = 1_000  # articles of a Parquet file that are held at a time
_DAY = timedelta(days=1)  # more than any clock differs from UTC
# a spreadsheet takes such a cell for a formula, in Asia with full-width signs, too
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")  # noqa: RUF100, RUF001


def selected(ledger: Ledger, first: date | None, last: date | None, channels: Collection[str]) -> Iterator[Row]:
    """Articles with a document: published on these days, by the publisher's clock, and in one of the channels."""
    since = datetime.combine(first, time(), UTC) - _DAY if first and first > date.min else None
    until = datetime.combine(last, time(), UTC) + 2 * _DAY if last and last < date.max - _DAY else None
    for row in ledger.rows(since=since, until=until):
        day = row.published.date() if row.published else date.min
        is_of_days = (first or date.min) <= day <= (last or date.max)
        if row.path and is_of_days and (not channels or not set(channels).isdisjoint(_channels(row))):
            yield row


def _channels(row: Row) -> tuple[str, ...]:
    return row.channels or ((row.channel,) if row.channel else ())


def records(
    folder: Path,
    rows: Iterable[Row],
    shape: Callable[[Record], Shaped],
    on_unreadable: Callable[[str], object],
    workers: Workers | None = None,
) -> Generator[Shaped, None, None]:
    """A record for each row, in their order. `on_unreadable` gets the reason for a document that cannot be read."""
    for found in parallel_map(partial(_shaped, folder, shape), rows, size=_BATCH, few=_FEW, workers=workers):
        if isinstance(found, str):
            on_unreadable(found)
        else:
            yield found


def _shaped(folder: Path, shape: Callable[[Record], Shaped], row: Row) -> Shaped | str:
    """May run in another process."""
    try:
        text, fields, _ = read_document(read_file(folder / row.path), row.source, row.article_id)
    except (OSError, ValueError) as error:
        return f"{row.path}: {cause(error)}"
    return shape(_record(row, text, fields))


def _record(row: Row, text: str, fields: dict[str, object]) -> Record:
    markdown = document_body(text)
    language = fields.get("lang")
    values = (
        row.article_id, row.source, row.url, row.title or _text(fields.get("title")), _time(row.published),
        row.publisher or _text(fields.get("author")), list(_channels(row)), list(row.site_tags),
        _text(fields.get("summary")), _text(fields.get("thumbnail")), picture_links(text)[1 if fields else 0 :],
        row.family, _text(language[0] if isinstance(language, list) and language else language),
        shown_text(markdown), markdown, str(row.state), _time(row.first_seen), _time(row.archived_at),
        _time(row.last_checked), _time(row.edited), _time(row.gone_at), row.revision, row.path,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _time(value: datetime | None) -> datetime | None:
    return value and value.replace(microsecond=0)


# the formats


def json_line(record: Record) -> bytes:
    return f"{json.dumps(record, ensure_ascii=False, default=datetime.isoformat)}\n".encode()


def csv_line(record: Record) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(map(_cell, record.values()))
    return line.getvalue().encode()


def write_csv(found: Iterable[bytes], file: BinaryIO) -> None:
    """As spreadsheets read it: with a byte order mark, and without a cell that they would take for a formula."""
    file.write(BOM_UTF8 + csv_line(dict(zip(COLUMNS, COLUMNS, strict=True))))
    file.writelines(found)


def _cell(value: Any) -> str:
    r"""A list's items are on lines of their own: each is one line.

    >>> _cell("=1+1"), _cell(["a", "b"]), _cell(None), _cell(1)
    ("'=1+1", 'a\nb', '', '1')
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = "\n".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def write_parquet(found: Iterable[Record], file: BinaryIO) -> None:
    """Raises `BadArgument` without pyarrow."""
    try:
        import pyarrow as pa  # noqa: PLC0415  -- an extra, and slow to load
        from pyarrow.parquet import ParquetWriter  # noqa: PLC0415
    except ImportError as error:
        raise BadArgument("Parquet needs pyarrow: pip install 'newsarchive[parquet]'") from error
    types = {
        **dict.fromkeys(COLUMNS, pa.string()),
        **dict.fromkeys(_NUMBERS, pa.int32()),
        **dict.fromkeys(_LISTS, pa.list_(pa.string())),
        **dict.fromkeys(_TIMES, pa.timestamp("ms", "UTC")),
        "published": pa.timestamp("ms", "+08:00"),
    }
    schema = pa.schema(list(types.items()))
    with ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches(found, _ROW_GROUP):
            writer.write_batch(pa.RecordBatch.from_pylist(batch, schema))


class Format(NamedTuple):
    shape: Callable[[Record], Any]
    """What is written of a record, made by the process that has read its document."""
    write: Callable[[Iterable[Any], BinaryIO], None]


FORMATS = {
    "jsonl": Format(json_line, lambda found, file: file.writelines(found)),
    "csv": Format(csv_line, write_csv),
    "parquet": Format(dict, write_parquet),
}
"""By the format's name, which is also the usual end of a file's name."""
