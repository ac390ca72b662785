"""The ledger's pictures: which were fetched, which are to be tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from newsarchive.archive.rows import PictureRow, State
from newsarchive.archive.table import Done, OnBroken, Table


class PictureRows:
    """Part of a `Ledger`: `ledger.pictures`."""

    def __init__(self, run: Callable[..., Done], on_broken: OnBroken) -> None:
        self._run = run
        self._table = Table(run, "pictures", PictureRow, keys=3, on_broken=on_broken)

    def get(self, source: str, article_id: str, url: str) -> PictureRow | None:
        return self._table.get(source, article_id, url)

    def of(self, source: str, article_id: str) -> list[PictureRow]:
        """The pictures of one article in the order in which they were first tried."""
        return self._table.select("source = ? AND article_id = ? ORDER BY seq", source, article_id)

    def stored(self, source: str, article_id: str, url: str, *, path: str, hash: str) -> None:  # noqa: A002
        """The file was written."""
        self.put(PictureRow(source=source, article_id=article_id, url=url, state=State.ARCHIVED, path=path, hash=hash))

    def mark_without_pictures(self, source: str, article_id: str) -> None:
        """The article has no picture of the site: a row without a URL records that it was checked."""
        self.put(PictureRow(source=source, article_id=article_id, url="", state=State.ARCHIVED))

    def find_stored(self, *, url: str = "", hash: str = "") -> PictureRow | None:  # noqa: A002
        """A stored picture of any article, by its URL or by its bytes."""
        name, value = ("url", url) if url else ("hash", hash)
        return next(iter(self._table.select(f"{name} = ? AND hash <> '' AND state = 'archived' LIMIT 1", value)), None)

    def articles_without(self, source: str, limit: int, exists: Callable[[str], bool]) -> list[str]:
        """Ids of archived articles whose pictures were never looked at, the last found first.

        `exists` says whether the document at a path is there: a lost one does not count towards `limit`.
        """
        ids: list[str] = []
        last = 1 << 62
        while len(ids) < limit:
            found = self._run(
                "SELECT seq, article_id, path FROM articles AS a WHERE source = ? AND path <> '' AND seq < ?"
                " AND NOT EXISTS"
                " (SELECT 1 FROM pictures AS p WHERE p.source = a.source AND p.article_id = a.article_id)"
                " ORDER BY seq DESC LIMIT ?",
                (source, last, limit),
            ).rows
            if not found:
                break
            ids += [article_id for _, article_id, path in found if exists(path)]
            last = found[-1][0]
        return ids[:limit]

    def unnamed(
        self,
        source: str,
        article_id: str,
        url: str,
        *,
        path: str,
        hash: str,  # noqa: A002
        next_try: datetime,
    ) -> None:
        """The file was written, and the document is about to link to it: due until it does."""
        self.put(
            PictureRow(
                source=source, article_id=article_id, url=url, state=State.FAILED, path=path, hash=hash,
                next_try=next_try, reason="interrupted",
            )
        )  # fmt: skip

    def failed(
        self, source: str, article_id: str, url: str, *, reason: str, next_try: datetime, tried: bool = True
    ) -> None:
        """It could not be fetched, or the try was not completed; the Markdown keeps the remote link."""
        known = self.get(source, article_id, url)
        attempts = (known.attempts if known else 0) + tried
        self.put(
            PictureRow(
                source=source, article_id=article_id, url=url, state=State.FAILED,
                attempts=attempts, next_try=next_try, reason=reason,
            )
        )  # fmt: skip

    def due(self, source: str, now: datetime, max_tries: int) -> Iterator[PictureRow]:
        """Failed pictures whose next try has come, the oldest first."""
        condition = "source = ? AND state = 'failed' AND attempts < ? AND next_try <= ?"
        return self._table.walk(condition, source, max_tries, now)

    def exhausted(self, max_tries: int) -> list[PictureRow]:
        """Pictures that are not tried any more."""
        return self._table.select("state = 'failed' AND attempts >= ? ORDER BY seq", max_tries)

    def rows_after(self, now: datetime) -> Iterator[PictureRow]:
        """Pictures whose next try comes after this time."""
        return self._table.walk("next_try > ?", now)

    def rows(self) -> Iterator[PictureRow]:
        """Every picture."""
        return self._table.walk("1")

    def put(self, row: PictureRow) -> None:
        """Inserts the row, or replaces that of the same picture."""
        self._table.put(row)
