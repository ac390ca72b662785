"""How a request goes out: not at all once the site's firewall has refused one."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote, urlsplit
from weakref import WeakSet

from scrapy.core.downloader.handlers.file import FileDownloadHandler
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.exceptions import IgnoreRequest, NotConfigured

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response


class NotSent(IgnoreRequest):
    """The request stayed here, because the crawl ends: nothing was tried."""


class Refused(NotSent):
    """It stayed here because the site's firewall has refused an earlier one."""


class FirewallAware(HTTP11DownloadHandler):
    """After a 501, Tencent's firewall, nothing more is sent, whatever waits in Scrapy's queues.

    A spider that is told to close still lets every request go out that has passed the scheduler.
    """

    _refused: ClassVar[WeakSet[Crawler]] = WeakSet()  # each scheme has a handler of its own

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.crawler = crawler

    async def download_request(self, request: Request) -> Response:
        """Raises `Refused`."""
        if self.crawler in self._refused:
            raise Refused(f"{request.url}: not sent, the site's firewall has refused an earlier request (501)")
        sent = _with_header_for_user(request)
        response = await super().download_request(sent)
        request.meta.update(sent.meta)  # how long it took, by which AutoThrottle goes
        if response.status == 501 and not request.meta.get("picture"):  # pictures come from hosts of their own
            self._refused.add(self.crawler)
        return response


def _with_header_for_user(request: Request) -> Request:
    """`https://user:password@host/` as HTTP clients send it, so that no answer and no error has these in its URL."""
    parts = urlsplit(request.url)
    who, at, host = parts.netloc.rpartition("@")
    if not at:
        return request
    user, _, password = (unquote(part).encode() for part in who.partition(":"))
    headers = request.headers.copy()
    headers.setdefault("Authorization", b"Basic " + b64encode(user + b":" + password))
    return request.replace(url=parts._replace(netloc=host).geturl(), headers=headers)


class SavedPage(FileDownloadHandler):
    """`scrapy shell ./page.html`. In a crawl, whose URLs come from the network, nobody may name files."""

    def __init__(self, crawler: Crawler) -> None:
        """Raises `NotConfigured` with `ARCHIVE_OPEN`."""
        if crawler.settings.getbool("ARCHIVE_OPEN"):
            raise NotConfigured("a crawl opens no files")
        super().__init__(crawler)
