"""The whole site: takes a request, returns an answer, and can be changed while it runs."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from demo import families, lists, pictures
from demo.families import LAYOUTS
from demo.faults import Answer, Faults, spoilt
from demo.generated import generated_stories
from demo.markup import Pictures, picture_key
from demo.stories import Kind, Story, moved, written_stories

GONE = "https://www.qq.com/babygohome/?pgv_ref=404"
ROBOTS = "User-agent: *\nAllow: /\nSitemap: https://news.qq.com/sitemap/index.xml\n"
LIST_PATH = "/web_feed/getPCList"
# Other addresses of the same article on the site.
OTHER_ADDRESSES = (
    "https://news.qq.com/rain/a/{id}?suid=demo&media_id=1",
    "https://view.inews.qq.com/a/{id}?refer=wx_hot",
    "https://xw.qq.com/cmsid/{id}",
)


@dataclass(frozen=True)
class Request:
    """A request that the site received."""

    method: str
    path: str
    """Without the query; for a list with channel and page: `/web_feed/getPCList/<channel>/<page>`."""
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""


class Site:
    """The stories, how they are listed, and methods to change both.

    All methods may be called while the server runs.
    """

    def __init__(
        self,
        *,
        articles: int = 0,
        newest: datetime | None = None,
        layout: str = "today",
        local_pictures: bool = False,
        filler: int = 45_000,
        per_page: int = 20,
    ) -> None:
        """`articles`: the least number of articles; `newest`: publish time of the newest one, Beijing time;
        `filler`: size of a page's style sheet, which a page of family F5 contains twice.
        """
        self.layout = layout
        self.robots = ROBOTS
        self.faults = Faults()
        self.seen: list[Request] = []
        self.base = ""
        self._local_pictures = local_pictures
        self._filler = filler
        self._per_page = per_page
        self._pages: dict[tuple[str, str], bytes] = {}
        self._lock = threading.RLock()
        written = list(written_stories())
        wanted = articles - sum(story.is_article and not story.gone for story in written)
        stories = [*written, *generated_stories(max(0, wanted), written[0].published)]
        stories = moved(stories, newest) if newest else stories
        self.stories = {story.id: story for story in stories}
        self.order = {
            channel: [story.id for story in sorted(stories, key=lambda it: it.published, reverse=True)
                      if channel in story.channels]
            for channel in ("finance", "tech")
        }  # fmt: skip

    # Changes by a test or a demo

    def edit(self, id: str, **fields: object) -> None:  # noqa: A002  # named like the field
        """Change fields of a story, e.g. `title` or `body`."""
        with self._lock:
            self.stories[id] = replace(self.stories[id], **fields)  # type: ignore[arg-type]
            self._pages = {key: page for key, page in self._pages.items() if key[0] != id}

    def set_layout(self, name: str) -> None:
        if name not in LAYOUTS:
            raise ValueError(f"{name!r}: expected {', '.join(LAYOUTS)}")
        self.layout = name

    def rewrite(self, id: str, old: str, new: str) -> None:  # noqa: A002
        """Replace words of a story's body."""
        if old not in self.stories[id].body:
            raise ValueError(f"story {id} does not contain {old!r}")
        self.edit(id, body=self.stories[id].body.replace(old, new))

    def delete(self, id: str) -> None:  # noqa: A002
        """Redirect the story's page to the site's page for deleted stories; lists still name it."""
        self.edit(id, gone=True)

    def publish(self, id: str) -> None:  # noqa: A002
        """Restore a deleted story."""
        self.edit(id, gone=False)

    def add(self, story: Story) -> None:
        """Add a new story at the top of its channels' lists."""
        with self._lock:
            self.stories[story.id] = story
            for channel in story.channels:
                self.order.setdefault(channel, []).insert(0, story.id)

    def reorder(self, seed: int = 1) -> None:
        """Shuffle every list."""
        with self._lock:
            for ids in self.order.values():
                random.Random(seed).shuffle(ids)

    def list_again(self, id: str) -> None:  # noqa: A002
        """List a story three more times in its first channel, each time with another of its addresses."""
        with self._lock:
            story = self.stories[id]
            for n, address in enumerate(OTHER_ADDRESSES):
                name = f"{id} again {n}"
                self.stories[name] = replace(story, address=address)
                self.order[story.channels[0]].append(name)

    def articles(self) -> list[Story]:
        """The articles that a crawl can fetch: in a list and not deleted."""
        ids = dict.fromkeys(self.stories[id_].id for ids in self.order.values() for id_ in ids)
        return [it for it in map(self.stories.__getitem__, ids) if it.is_article and not it.gone]

    def counts(self) -> Counter[str]:
        """How often each path was requested."""
        with self._lock:
            return Counter(request.path for request in self.seen)

    def forget(self) -> None:
        """Set all counts to zero."""
        with self._lock:
            self.seen.clear()

    # Answers

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """The answer to one request, with the fault planned for it, if any."""
        parts = urlsplit(target)
        request = Request(
            method, _full_path(parts.path, body), {k: v[0] for k, v in parse_qs(parts.query).items()}, headers, body
        )
        with self._lock:
            self.seen.append(request)
            answer = self._answer_without_fault(request)
        fault = self.faults.take(request.path)
        return spoilt(answer, fault) if fault else answer

    def _answer_without_fault(self, request: Request) -> Answer:
        handlers: dict[str, Callable[[Request], Answer]] = {
            "robots.txt": lambda _: Answer(200, self.robots.encode(), "text/plain"),
            "rain": self._article,
            "web_feed": self._channel_list,
            "gw": self._hot_list,
            "getSubNewsMixedList": self._account_list,
            "sitemap": self._sitemap,
            "pic": _picture,
        }
        handler = handlers.get(request.path.split("/")[1])
        return handler(request) if handler else Answer(404, b"<h1>404</h1>")

    def _article(self, request: Request) -> Answer:
        story = self.stories.get(request.path.removeprefix("/rain/a/"))
        if story is None:
            return Answer(404, b"<html><head><title>404</title></head></html>")
        if story.gone:
            return Answer(302, headers=(("Location", GONE),))
        page = self._page(story)
        tag = f'"{hashlib.sha256(page).hexdigest()[:24]}"'
        if request.headers.get("if-none-match") == tag:
            return Answer(304, headers=(("ETag", tag),))
        return Answer(200, page, "text/html; charset=utf-8", (("ETag", tag),))

    def _page(self, story: Story) -> bytes:
        key = (story.id, self.layout)
        if key not in self._pages:
            filler = self._filler * (10 + sum(story.id.encode()) % 16) // 10
            self._pages[key] = families.page(story, self.pictures, filler=filler, layout=self.layout)
        return self._pages[key]

    def _channel_list(self, request: Request) -> Answer:
        if request.method != "POST":
            return Answer(405, b"<h1>405</h1>")
        channel, page = request.path.split("/")[-2:]
        ids = self.order.get(channel.removeprefix(lists.PREFIX), [])
        some = ids[(int(page) - 1) * self._per_page : int(page) * self._per_page]
        rows: list[Story | list[Story]] = [self.stories[id_] for id_ in some]
        if page == "1" and (grouped := [it for it in self.stories.values() if it.block]) and ids:
            rows.insert(1, grouped)
        return _json(lists.channel_list(rows, self.pictures))

    def _hot_list(self, request: Request) -> Answer:
        stories = [it for it in self.stories.values() if it.is_article]
        return _json(lists.hot_list(stories[: int(request.query.get("page_size", "50"))], self.pictures))

    def _account_list(self, request: Request) -> Answer:
        """Here an account's suid is its name: `guestSuid=海客`."""
        stories = [it for it in self.stories.values() if it.media == request.query.get("guestSuid")]
        offset = int(request.query.get("offset_info") or 0)
        return _json(lists.account_list(stories, offset, self._per_page, self.pictures))

    def _sitemap(self, request: Request) -> Answer:
        ids = sorted({it.id for it in self.stories.values() if it.kind in (Kind.ARTICLE, Kind.VIDEO)})
        size = 50
        name = request.path.split("/")[-1]
        if name == "index.xml":
            text = lists.sitemap_index(self.base, range(7000, 7000 + -(-len(ids) // size)))
        else:
            n = int(name.removeprefix("sitemap_").removesuffix(".xml")) - 7000
            text = lists.sitemap(ids[n * size : (n + 1) * size])
        return Answer(200, text.encode(), "application/xml")

    @property
    def pictures(self) -> Pictures:
        return Pictures(self.base if self._local_pictures else "")


def _full_path(path: str, body: bytes) -> str:
    if path != LIST_PATH or not body:
        return path
    request = json.loads(body)
    return f"{path}/{request['channel_id']}/{request['flush_num']}"


def _picture(request: Request) -> Answer:
    # A crop of a key (`/pic/KEY_640360/0`) is the same picture here.
    content_type, data = pictures.picture(request.path.removeprefix("/pic/")[: len(picture_key(""))])
    return Answer(200, data, content_type)


def _json(reply: object) -> Answer:
    return Answer(200, json.dumps(reply, ensure_ascii=False).encode(), "application/json; charset=utf-8")
