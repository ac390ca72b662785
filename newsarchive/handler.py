"""How a page is fetched. Only Scrapy imports this, for a crawl: `scrapy crawl -h` would take 0.1 s longer with it."""

import logging
from typing import Any

from scrapy import Request
from scrapy.core.downloader.handlers import http11
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError
from scrapy.http import Response
from twisted.python.failure import Failure
from twisted.web._newclient import HEADER, STATUS

from newsarchive.downloader import Backoff

logger = logging.getLogger(__name__)

_LONGEST_HEADERS = 256 * 1024  # bytes, with what comes in the same chunk as the last of them; as in Chrome


class ArticleDownloadHandler(http11.HTTP11DownloadHandler):
    """HTTP with a limit on the size of headers. A 501, by which the site's firewall refuses us, ends the crawl.

    Only here can that stop every further request: one that waits for its turn at a host has passed all middlewares, and
    a spider that is closing still sends it.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool._factory = _ClientFactory  # Scrapy 2.19 has no public way to set it

    async def download_request(self, request: Request) -> Response:
        """Raises `NotSent`."""
        backoff = Backoff.of(self.crawler)
        await backoff.take_turn(request)
        response = await super().download_request(request)
        is_picture = request.meta.get("picture")  # it comes from a host of its own
        if response.status == 501 and not is_picture and not backoff.refused:
            backoff.refuse(request)
        return response


class _ClientProtocol(http11._LenientHTTP11ClientProtocol):
    """Ends a connection whose answer has endless headers, which neither Scrapy nor Twisted does."""

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  -- Twisted's name
        parser: Any = self._parser  # a new one for each answer
        if parser is not None and parser.state in (STATUS, HEADER):
            parser.received = getattr(parser, "received", 0) + len(data)
            if parser.received > _LONGEST_HEADERS:
                error = DownloadCancelledError(f"its headers are larger than {_LONGEST_HEADERS:,} bytes")
                self._giveUp(Failure(error))  # type: ignore[no-untyped-call]
                return
        super().dataReceived(data)  # type: ignore[no-untyped-call]


class _ClientFactory(http11._LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: object) -> _ClientProtocol:  # noqa: ARG002, N802  -- Twisted's name
        return _ClientProtocol(self._quiescentCallback)  # type: ignore[no-untyped-call]
