"""Downloads pictures: once each, byte for byte, from the site's own hosts, and only if they are pictures."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.exceptions import DownloadCancelledError
from scrapy.http.request import NO_CALLBACK
from scrapy.pipelines.files import FilesPipeline
from scrapy.utils.httpobj import urlparse_cached

from newsarchive.archive.files import PICTURES, is_file, make_folder, write_bytes
from newsarchive.archive.picture_rows import PictureRows
from newsarchive.archive.pictures import is_private, picture_kind, picture_name, place
from newsarchive.extensions.faults import is_site_error
from newsarchive.handlers import NotSent

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.pipelines.media import FileInfo
    from twisted.python.failure import Failure

_HEADERS = {"Accept": "image/*,*/*;q=0.1"}


@dataclass(frozen=True)
class Wanted:
    """The pictures of one article."""

    source: str
    article_id: str
    folder: PurePosixPath
    """The folder to put them in, below the archive's folder."""
    urls: dict[str, int]
    """URLs with their positions in the article; 0 is the thumbnail."""
    patient: bool = False
    """Whether to wait for a picture that is delayed; if not, it is fetched at the end of the run."""


@dataclass(frozen=True)
class Outcome:
    """Result for one picture: a path below the archive's folder, or why there is none."""

    path: str = ""
    digest: str = ""
    reason: str = ""
    postponed: bool = False
    """It was not fetched yet because it would have had to wait."""


class Downloads(FilesPipeline):
    """Scrapy's pipeline for files, used by `Pictures`: `process_item` takes `Wanted` and returns outcomes by URL.

    Scrapy fetches a URL once per run, even if several articles request it at the same time. Its own store is
    not used: here the bytes determine a file's name, and an article's pictures are in its own folder.
    """

    def __init__(
        self, folder: Path, rows: PictureRows, *, max_bytes: int, domains: Iterable[str], crawler: Crawler
    ) -> None:
        make_folder(folder / PICTURES)  # else Scrapy makes it, unsynced, and a power cut may lose it
        super().__init__(str(folder / PICTURES), crawler=crawler)
        self.folder = folder
        self.rows = rows
        self.max_bytes = max_bytes
        self.domains = tuple(domains)
        self._failed: dict[str, Outcome] = {}
        self._writing = asyncio.Lock()
        self._written: dict[str, str] = {}

    def get_media_requests(self, item: Wanted, _info: object) -> list[Request]:
        # a media pipeline gets every status, so no redirect is followed, not even within the site
        meta = {"download_maxsize": self.max_bytes, "patient": item.patient}
        requests = [
            Request(url, headers=_HEADERS, callback=NO_CALLBACK, meta={"picture": url} | meta) for url in item.urls
        ]
        for request in requests if item.patient else ():  # Scrapy remembers a failed one for the whole run
            key = self.crawler.request_fingerprinter.fingerprint(request)
            if self.spiderinfo.downloaded.get(key, "") is None:
                del self.spiderinfo.downloaded[key]
        return requests

    def media_to_download(  # type: ignore[override]
        self, request: Request, _info: object, *, item: Wanted
    ) -> FileInfo | None:
        """Do not fetch a picture that the archive has. Scrapy's own check uses a path made from the URL."""
        url = request.meta["picture"]  # as in the page: the request's own URL is escaped
        known = self.rows.get(item.source, item.article_id, url)
        if known is None or not known.path:
            known = self.rows.find_stored(url=url)
        if known and is_file(self.folder / known.path):
            return {"url": url, "path": known.path, "checksum": known.hash, "status": "uptodate"}
        return None

    async def media_downloaded(  # type: ignore[override]
        self, response: Response, request: Request, _info: object, *, item: Wanted
    ) -> FileInfo:
        url = request.meta["picture"]
        reason = refusal(response, self.domains)
        if reason:
            return {"url": url, "path": "", "checksum": None, "status": reason}
        data = response.body
        digest = hashlib.sha256(data).hexdigest()
        path = str(item.folder / picture_name(item.urls[url], digest, picture_kind(data)))
        async with self._writing:  # so that the same bytes of two URLs are written once
            same = self._written.setdefault(digest, self._path_of(digest) or path)
            if same == path:
                await asyncio.to_thread(write_bytes, self.folder / path, data)
            else:
                place(self.folder / same, self.folder / path)
        return {"url": url, "path": path, "checksum": digest, "status": "downloaded"}

    def media_failed(self, failure: Failure, request: Request, _info: object) -> None:  # type: ignore[override]
        if not is_site_error(failure.value):
            failure.raiseException()  # a full disk, or a bug
        too_large = isinstance(failure.value, DownloadCancelledError)
        reason = f"larger than {self.max_bytes:,} bytes" if too_large else str(failure.value)
        self._failed[request.meta["picture"]] = Outcome(
            reason=reason or type(failure.value).__name__, postponed=isinstance(failure.value, NotSent)
        )

    def item_completed(self, results: list[Any], item: Wanted, _info: object) -> dict[str, Outcome]:
        """The outcome for each URL; a picture that another article has is linked into this article's folder."""
        outcomes: dict[str, Outcome] = {}
        for (ok, found), (url, nth) in zip(results, item.urls.items(), strict=True):
            if not ok:
                found.raiseException()
            if not found or not found["path"]:
                unknown = Outcome(reason="no answer")
                outcomes[url] = Outcome(reason=found["status"]) if found else self._failed.get(url, unknown)
                continue
            path = PurePosixPath(found["path"])
            if path.parent != item.folder:
                own = item.folder / picture_name(nth, found["checksum"], path.suffix[1:])
                place(self.folder / path, self.folder / own)
                path = own
            outcomes[url] = Outcome(path=str(path), digest=found["checksum"])
        return outcomes

    def _path_of(self, digest: str) -> str:
        row = self.rows.find_stored(hash=digest)
        return row.path if row and is_file(self.folder / row.path) else ""


def refusal(response: Response, domains: Collection[str]) -> str:
    """Why an answer is not a picture of the site; `""` if it is one."""
    if 300 <= response.status < 400:
        return f"redirected to {(response.headers.get('Location') or b'').decode('latin-1')}"
    if response.status != 200:
        return f"HTTP status {response.status}"
    address, host = response.ip_address, urlparse_cached(response).hostname
    by_proxy = response.request is not None and response.request.meta.get("proxy")
    # a host that is configured by its full name or address is trusted, e.g. a test server or a mirror
    if address and not by_proxy and host not in domains and is_private(str(address)):
        return f"{host} has the private address {address}"
    if not picture_kind(response.body):
        return f"no picture: begins with {response.body[:20]!r}" if response.body else "empty answer"
    return ""
