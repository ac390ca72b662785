"""How requests are sent: not at all once the site's firewall has refused one."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote, urlsplit
from weakref import WeakSet

from scrapy.core.downloader.handlers.file import FileDownloadHandler
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest, NotConfigured
from twisted.python.failure import Failure

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

_LONGEST_HEADERS = 256 * 1024  # bytes, with what comes in the same chunk as the last of them; as in Chrome


class NotSent(IgnoreRequest):
    """The request was not sent, so it does not count as a try."""


class Refused(NotSent):
    """It was not sent because the site's firewall has refused an earlier one."""


class FirewallAware(HTTP11DownloadHandler):
    """After a 501, Tencent's firewall, nothing more is sent, whatever waits in Scrapy's queues.

    A spider that is closing still sends every request that has passed the scheduler.
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
        request.meta.update(sent.meta)  # how long it took, which AutoThrottle needs
        if response.status == 501 and not request.meta.get("picture"):  # pictures come from hosts of their own
            self._refused.add(self.crawler)
        return response


class _HeaderLimit:
    """Ends a connection whose answer has endless headers: counts the bytes until they are complete."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._receive, self._request = protocol.dataReceived, protocol.request
        self._left: int | None = None
        protocol.dataReceived, protocol.request = self.data_received, self.request

    def request(self, request: object) -> Any:
        self._left = _LONGEST_HEADERS
        return self._request(request).addCallbacks(self._headers_complete, self._failed)

    def data_received(self, data: bytes) -> None:
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                self._protocol.transport.abortConnection()
                return
        self._receive(data)

    def _headers_complete(self, response: object) -> object:
        self._left = None
        return response

    def _failed(self, failure: Failure) -> Failure:
        if self._left is not None and self._left < 0:
            raise DownloadCancelledError(f"its headers are larger than {_LONGEST_HEADERS:,} bytes")
        return failure


class LimitedHeaders(FirewallAware):
    """The same, with a limit on the size of headers, which neither Scrapy nor Twisted has."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool._factory = _with_limit(self._pool._factory)


def _with_limit(factory: type[Any]) -> type[Any]:
    class Limited(factory):  # type: ignore[misc]
        def buildProtocol(self, addr: object) -> Any:  # noqa: N802  -- Twisted's name
            protocol = super().buildProtocol(addr)
            _HeaderLimit(protocol)
            return protocol

    return Limited


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
    """`scrapy shell ./page.html`. Not for a crawl, whose URLs come from the network."""

    def __init__(self, crawler: Crawler) -> None:
        """Raises `NotConfigured` with `ARCHIVE_OPEN`."""
        if crawler.settings.getbool("ARCHIVE_OPEN"):
            raise NotConfigured("a crawl opens no files")
        super().__init__(crawler)
