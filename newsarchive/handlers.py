"""How a request goes out: not at all once the site's firewall has refused one."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.refused = False

    async def download_request(self, request: Request) -> Response:
        """Raises `Refused`."""
        if self.refused:
            raise Refused(f"{request.url}: not sent, the site's firewall has refused an earlier request (501)")
        response = await super().download_request(request)
        if response.status == 501 and not request.meta.get("picture"):  # pictures come from hosts of their own
            self.refused = True
        return response


class SavedPage(FileDownloadHandler):
    """`scrapy shell ./page.html`. In a crawl, whose URLs come from the network, nobody may name files."""

    def __init__(self, crawler: Crawler) -> None:
        """Raises `NotConfigured` with `ARCHIVE_OPEN`."""
        if crawler.settings.getbool("ARCHIVE_OPEN"):
            raise NotConfigured("a crawl opens no files")
        super().__init__(crawler)
