"""Where to look for Tencent News articles."""

import json
import secrets
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.http import Response
from twisted.python.failure import Failure

from newsarchive.archive.ledger import ListState
from newsarchive.archive.tables import CHANNEL
from newsarchive.errors import BadArgument, BusyList, ListError
from newsarchive.messages import printable
from newsarchive.options import QQ_URLS
from newsarchive.qq import lists, urls
from newsarchive.qq.lists import Entry, ListReply
from newsarchive.spiders.base import DAY, NUMBER, SWITCH, WORDS, ArchiveSpider, Argument, words

_PAGES = 3  # of a channel's list, when `pages` is not given
_ARGUMENTS = {
    "channels": Argument(WORDS, f"channels with commas between them, of {', '.join(lists.CHANNELS)}", "QQ_CHANNELS"),
    "pages": Argument(NUMBER, "pages of a list at most; reading stops when a page brings nothing new", str(_PAGES)),
    "hot": Argument(SWITCH, "1: the hot list instead of channels", "0"),
    "accounts": Argument(
        WORDS,
        "instead of channels, articles of publishing accounts by their suid, with commas between them; all pages unless"
        " pages is given",
    ),
    "sitemap": Argument(
        SWITCH,
        "1: the sitemap instead of channels, for a gap that is older than the lists reach (about 30 days); needs since,"
        " which is compared with the day in the id",
        "0",
    ),
}
_SINCE = Argument(
    DAY,
    "from lists, only articles published on this day or later, such as 2026-11-01 (Beijing time); unfinished articles"
    " and re-checks still come first",
)
_HEADERS = {"Referer": "https://news.qq.com/", "Accept": "application/json"}

Read = Callable[[bytes, str], ListReply]
NextPage = Callable[[int, ListReply], Iterator[Request]]
"""A request for the page with that number, which follows a page; none where the list ends."""


class QQSpider(ArchiveSpider):
    """Channel lists of Tencent News, or what the arguments select."""

    name = "qq"
    arguments = _ARGUMENTS | ArchiveSpider.arguments | {"since": _SINCE}
    picture_domains = ("gtimg.com", "gtimg.cn", "qpic.cn")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.channels: list[str] = self.given.get("channels", [])
        self.pages: int | None = self.given.get("pages")
        self.hot: bool = self.given.get("hot", False)
        self.accounts: list[str] = self.given.get("accounts", [])
        self.sitemap: bool = self.given.get("sitemap", False)
        if self.sitemap and self.since is None:
            raise BadArgument("sitemap=1 needs since: expected a day like since=2026-11-01")
        self.sitemap_files: deque[str] = deque()  # read one after the other: there are more than a thousand
        self.seen: defaultdict[str, set[str]] = defaultdict(set)  # ids in each list in this run
        self.device = secrets.token_hex(18)  # any 36 of [a-z0-9], the same within one run

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        settings = crawler.settings
        usual = words(",".join(settings.getlist("QQ_CHANNELS")))
        known = dict.fromkeys([*lists.CHANNELS, *usual])  # the site may have new ones
        for channel in spider.channels:
            if channel not in known:
                raise BadArgument(f"channels={channel}: unknown, expected any of {', '.join(known)}")
        if not (spider.channels or spider.hot or spider.accounts or spider.sitemap):
            spider.channels = usual
        if spider.kind in ("lists", "accounts"):
            spider.number_of_lists = len(spider.channels) + spider.hot + len(spider.accounts)
        if "{id}" not in settings["QQ_ARTICLE_URL"]:
            raise BadArgument(f"QQ_ARTICLE_URL={settings['QQ_ARTICLE_URL']}: expected {{id}} where the id belongs")
        hosts = {urlsplit(settings[name]).hostname or "" for name in QQ_URLS}
        # The site redirects articles from new.qq.com to news.qq.com and back.
        spider.allowed_domains = sorted({"qq.com" if host.endswith(".qq.com") else host for host in hosts if host})
        return spider

    @property
    def kind(self) -> str:
        """Accounts and the sitemap have older articles, with other page families, than channel lists."""
        return "sitemap" if self.sitemap else "accounts" if self.accounts else super().kind

    # ids and URLs

    def article_id(self, text: str) -> str:
        found = urls.article_id(text)
        if not urls.is_article(found):
            raise BadArgument(f"{text} is a video or a question: expected an article, whose id has an A after the date")
        return found

    def canonical_url(self, article_id: str) -> str:
        return urls.canonical_url(article_id)

    def page_url(self, article_id: str) -> str:
        return str(self.settings["QQ_ARTICLE_URL"]).replace("{id}", article_id)

    def is_gone(self, location: str) -> bool:
        return urls.says_gone(location)

    # lists

    def discover(self) -> Iterator[Request]:
        for channel in self.channels:
            if channel not in lists.CHANNELS:
                message = "channel %s: unknown, expected any of %s (QQ_CHANNELS); requested anyway, it may be new"
                self.logger.warning(message, channel, ", ".join(lists.CHANNELS))
            yield from self._channel(channel)
        if self.hot:
            query = urlencode({"ids_hash": "", "offset": 0, "page_size": 50})
            yield from self._list(f"{self.settings['QQ_HOT_URL']}?{query}", "hot list", lists.read_hot_list)
        for suid in self.accounts:
            yield from self._account(suid)
        if self.sitemap:
            yield from self._sitemap()

    def parse_list(
        self, response: Response, where: str, read: Read, page: int, next_page: NextPage | None
    ) -> Iterator[Request]:
        """Requests for new articles and, if there are any, for the next page."""
        try:
            reply = read(response.body, where)
        except ListError as error:
            yield from self._retry(response, error)
            return
        self.list_read(where, entries=len(reply.entries) + reply.skipped.total(), later_page=page > 1)
        for kind, skipped in reply.skipped.items():
            self.archive.count(f"entry/{kind}", skipped)
        requests, later = self._offer_all(reply.entries, where)
        if self.full:
            yield from requests
            return  # the list stays unfinished: the next run continues past pages without new articles
        named = {entry.article_id for entry in reply.entries}
        goes_on = (later or where in self.unfinished) and not named <= self.seen[where]  # a list may repeat itself
        self.seen[where] |= named
        following = list(next_page(page + 1, reply)) if next_page and (requests or goes_on) else []
        yield from requests + following  # made before: when all lists are read, all pages to come have been counted
        if not following:
            self.archive.ledger.finish_list(self.name, where)

    def parse_sitemap(self, response: Response) -> Iterator[Request]:
        """Requests for a file's articles between `since` and `until`, then for the next file."""
        try:
            files, ids = lists.read_sitemap(response.body, "sitemap")
        except ListError as error:
            yield from self._retry(response, error) or self._next_sitemap()
            return
        self.list_read("sitemap", entries=len(files) + len(ids), later_page=True)
        self.sitemap_files += files
        wanted = [Entry(article_id=id_) for id_ in ids if self.wanted(urls.id_date(id_))]
        self.archive.count("entry/article", len(ids) - len(wanted))  # `_offer_all` counts the others
        yield from [*self._offer_all(wanted, "sitemap")[0], *self._next_sitemap()]

    def sitemap_failed(self, failure: Failure) -> list[Request]:
        self.list_failed(failure)
        return list(self._next_sitemap())

    def _sitemap(self) -> Iterator[Request]:
        if self.begin_list("sitemap", self._sitemap):
            self.sitemap_files.append(self.settings["QQ_SITEMAP_URL"])
            yield from self._next_sitemap()

    def _next_sitemap(self) -> Iterator[Request]:
        if not self.sitemap_files:
            self.archive.ledger.finish_list(self.name, "sitemap")
        elif not self.full and self.archive.ledger.take_list(self.name, "sitemap") is ListState.UNFINISHED:
            self.archive.count("request/list")
            url, meta = self.sitemap_files.popleft(), {"where": "sitemap"}
            yield Request(url, callback=self.parse_sitemap, errback=self.sitemap_failed, meta=meta)

    def _offer_all(self, entries: list[Entry], where: str) -> tuple[list[Request], bool]:
        """Requests for new articles, and whether the list has articles after `until`."""
        requests, later = [], False
        with self.archive.ledger.transaction():
            for entry in entries:
                day = entry.published.date() if entry.published else None
                later = later or bool(day and self.until and day > self.until)
                self.archive.count("entry/article" if entry.known_type else "entry/unknown_article")
                if not entry.thumbnail:
                    self.archive.count("entries/without_thumbnail")
                if self.full or not self.wanted(day):
                    continue
                listed = {"where": where, "thumbnail": entry.thumbnail, "entry": _record(entry)}
                if request := self.offer(entry.article_id, published=entry.published, **listed):
                    requests.append(request)
        return requests, later

    def _channel(self, channel: str, page: int = 1, _: ListReply | None = None) -> Iterator[Request]:
        if page <= (self.pages or _PAGES):
            url, body = self.settings["QQ_LIST_URL"], lists.channel_body(channel, page, self.device)
            next_page = partial(self._channel, channel)
            yield from self._list(url, f"{CHANNEL}{channel}", lists.read_channel, page, next_page, body)

    def _account(self, suid: str, page: int = 1, former: ListReply | None = None) -> Iterator[Request]:
        offset = former.next_offset if former else ""
        if page == 1 or (offset and page <= (self.pages or page)):
            query = {"guestSuid": suid, "tabId": "om_index", "caller": 1, "from_scene": 103, "offset_info": offset}
            url = f"{self.settings['QQ_ACCOUNT_URL']}?{urlencode(query)}"
            yield from self._list(url, f"account {suid}", lists.read_account, page, partial(self._account, suid))

    def _list(
        self, url: str, where: str, read: Read, page: int = 1, next_page: NextPage | None = None, body: bytes = b""
    ) -> Iterator[Request]:
        if page == 1 and not self.begin_list(where, partial(self._list, url, where, read, page, next_page, body)):
            return
        self.archive.count("request/list")
        yield Request(
            url,
            method="POST" if body else "GET",
            body=body,
            headers=_HEADERS | ({"Content-Type": "application/json"} if body else {}),
            callback=self.parse_list,
            errback=self.list_failed,
            cb_kwargs={"where": where, "read": read, "page": page, "next_page": next_page},
            meta={"dont_redirect": True, "where": where},
        )

    def _retry(self, response: Response, error: ListError) -> list[Request]:
        """The request again, while retries are left: busy servers and gateways' error pages also have status 200."""
        assert response.request is not None  # noqa: S101
        busy = isinstance(error, BusyList)
        if retry := get_retry_request(response.request, spider=self, reason="busy" if busy else "unknown list"):
            self.archive.count("list/again")
            return [retry]
        if busy:
            self.archive.count("site/refused")
            message = f"the list could not be read: {error.reason}; the next run asks again"
            self.list_lost(error.where, "failed", message)
        else:
            self.list_unknown(error.where, error.reason)
        return []


def _record(entry: Entry) -> str:
    """The list entry as JSON, for the ledger."""
    found = {
        "url": entry.url,
        "title": printable(entry.title),
        "publish_time": f"{entry.published:%Y-%m-%d %H:%M:%S}" if entry.published else "",
        "thumbnail": entry.thumbnail,
    }
    return json.dumps({key: value for key, value in found.items() if value}, ensure_ascii=False)
