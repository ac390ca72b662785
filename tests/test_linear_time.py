"""Whatever reads foreign text takes twice the time for twice the text: a page of repetitions must not stop an archive.

A new pattern, or a loop over a page, gets lines in `HOSTILE`. Each is what reads, and text that begins, repeats and
ends so that a careless reader goes back over what it has seen.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import pairwise

import pytest

from newsarchive.archive import pictures
from newsarchive.archive.documents import front_matter
from newsarchive.errors import BadArgument, PageError, UnknownList
from newsarchive.markdown import document, escape, html, reader
from newsarchive.markdown.html import TooManyNodes, parse
from newsarchive.markdown.reader import convert
from newsarchive.qq import body as qq_body
from newsarchive.qq import lists, pages, urls
from newsarchive.qq.body import BrokenContent, standardize
from newsarchive.qq.lists import beijing_time
from newsarchive.qq.pages import DatedPage
from newsarchive.qq.raw import RawPage
from tests.conftest import slow
from tests.test_pages_refused import page as f5_page

Reader = Callable[[str], object]


def all_of(pattern: re.Pattern[str] | str) -> Reader:
    """Finds every occurrence."""
    return re.compile(pattern).findall


def sitemap(text: str) -> None:
    for kind in ("sitemapindex", "urlset"):
        with suppress(UnknownList):
            lists.read_sitemap(f"<{kind}>{text}".encode(), "sitemap")


def body(text: str) -> object:
    return convert(standardize(parse(text), {}))


def older_body(text: str) -> object:
    return convert(standardize(parse(text), captions_in_italics=True, boilerplate_around=True))


def captions(text: str) -> object:
    """Each `@` is a picture with a caption of its own."""
    first, *others = text.split("@")
    attributes = {f"IMG_{n}": {"url": f"//x.cn/{n}", "desc": f"图{n}"} for n in range(len(others))}
    return convert(
        standardize(parse(first + "".join(f"<!--IMG_{n}-->{text}" for n, text in enumerate(others))), attributes)
    )


def field(text: str) -> object:
    """A field of a page without JSON, which parsel and libxml2 read."""
    numbers = iter(range(len(text)))
    numbered = re.sub("%d", lambda _: str(next(numbers)), text)
    return pages.DatedPage(RawPage(numbered.encode())).css("h1")


def shown_body(text: str) -> object:
    """Of a page whose JSON has none."""
    return pages.read_article(f5_page(text, originContent=None))


def fields(text: str) -> object:
    found = DatedPage(RawPage(text.encode()))
    return found.info("title"), found.picture, list(found.titles()), found.matches()


def article_id(text: str) -> object:
    with suppress(BadArgument):
        return urls.article_id(text)
    return None


def style_without_cache(text: str) -> object:
    return reader.text_style.__wrapped__(text)


def pictures_of(line: str) -> object:
    document = f'---\ntitle: "x"\n---\n\n{line}\n'
    return pictures.picture_links(document), pictures.same_text(document, document)


def fields_of(document: str) -> object:
    with suppress(ValueError):
        return front_matter(document)
    return None


HOSTILE: list[tuple[Reader, str, str, str]] = [
    # scripts
    *((lambda text: list(qq_body.videos_from_script(text)), *each) for each in (
        ("videoArr", "\n", ""), ("videoArr", " \n", "/"), ("videoArr", "/*", ""), ("videoArr", "//", ""),
        ("videoArr", r"\'", ""), ("videoArr'", r'\"', ""), ('videoArr"', "'{", ""), ("videoArr", "{", ""),
        ("videoArr", "{vid:", "}"), ("videoArr{", "vid:'", "}"), ("videoArr{", "vid ", "}"),
        ("videoArr{", "title:'\\", "}"),
        ("", ".setVid(", ""), ("", ".setVid('", ""), ("", ".setVid( ", ""), ("", ".setVid('\\", ""),
    )),
    (lambda text: qq_body.string_value(f"'{text}'"), "", r"\'", ""),
    (all_of(qq_body._VID_IN_URL), "", "&vid=", ""),
    (all_of(qq_body._SHOWN_VID), "", "VID  ", ""),
    (all_of(qq_body._SHOWN_VID), "VID", "a", ""),
    (all_of(qq_body._PLAYS), "", "video.", ""),
    # lists
    *((sitemap, *each) for each in (
        ("<loc>", " ", ""), ("<loc>", "\n", "x"), ("<loc><![CDATA[", " ", ""), ("", "<loc>", ""), ("", "<loc> ", ""),
        ("", "<loc><![CDATA[", ""), ("<loc>", "x", ""), ("<loc>https://", "a.", ""),
        ("<loc>https://a/", "sitemap_", ""),
        ("<loc>https://a/", "/", ""), ("<loc>https://a/sitemap_", "1", "</loc>"), ("<loc>https://a/", "sitemap_1/", ""),
    )),
    (urls.says_gone, "https://www.qq.com/", "babygohome/", ""),
    # a page's head
    *((fields, *each) for each in (
        ("", "<meta ", ""), ("", "<meta a", ""), ("", '<meta "', ""), ("", "<meta '\"", ""), ("", "<meta <", ""),
        ("<meta ", "x", ">"), ("<meta ", "x ", ">"), ("<meta ", "x=", ">"), ("<meta ", "x='", ">"), ("<meta ", "<", ""),
        ("", "<title>", ""), ("", "<title ", ""), ("<title>", "_ ", "</title>"), ("<title>", "_腾讯网 ", "</title>"),
        ("", "ARTICLE_INFO=", ""), ("", "ARTICLE_INFO={title:'", ""), ("ARTICLE_INFO={title:'", "\\", ""),
        ("", "id=", ""), ("", "id='Cnt-Main-Article-QQ", ""),
    )),
    (lambda text: RawPage(text.encode()).has_class(b"LEFT"), "", "class=", ""),
    (lambda text: RawPage(text.encode()).has_class(b"LEFT"), "", "class='LEFT", ""),
    (beijing_time, "2026-11-03", " ", "x"),
    (beijing_time, "2026-11-03 09:10", " ", "x"),
    *((pages.read_article, *each) for each in (
        ("", "window.DATA", ""), ("", "window.DATA=", ""), ("window.DATA", " ", ""), ("", "window.DATA={", ""),
        ("", "<body", ""), ("", "<title>", ""), ("", "<title x", ""), ("", "\x00", ""),
        ("安全验证", "<title ", ""), ("安全验证", "<meta ", ""), ("<title>", "腾讯 _", "安全验证</title>"),
    )),
    *((lambda text: pages._BODY_PICTURE.findall(text.encode()), *each) for each in (
        ("", "gtimg.com/a_bt/", ""), ("gtimg.com/", "a_bt", "/"), ("gtimg.com/a_bt/", "a/", ""),
        ("gtimg.com/a_bt/", "\\", ""),
    )),
    # a body
    *((body, "", unit, "") for unit in ("<style>", "<style", "<style></style ")),
    *((body, *each) for each in (
        ("", "<!--NO_READ_BEGIN-->文<!--NO_READ_END-->", ""), ("", "<!--NO_READ_BEGIN-->文", "<!--NO_READ_END-->"),
        ("", "<!--NO_READ_BEGIN--><p>文</p>", ""), ("", "<!--NO_READ_END-->文", ""),
        ("<!--NO_READ_BEGIN-->", "<p>文", "<!--NO_READ_END-->"),
        ("<!--", " ", "NO_READ"), ("<!--NO_READ_BEGIN", " ", ""), ("", "<iframe src='//v.qq.com/?vid='></iframe>", ""),
    )),
    *((style_without_cache, "color:rgba(", *each) for each in (
        ("font:", ""), ("0,", ")"), ("0", ")"), (".", ")"), (" ", ")"), (";color:rgba(", ")"), (" !", ")"),
        (";font: bold ", ""),
    )),
    *((style_without_cache, begin, unit, "~") for begin in ("opacity:", "font-size:") for unit in ("0", "0.", "a")),
    *((qq_body._SHOWN_AS_BLOCK.findall, "display:", *each) for each in (("block ", "~"), (" ", "x"), ("display:", ""))),
    (qq_body.unknown_placeholders, "", "<!--", ""),
    (qq_body.unknown_placeholders, "", "<!-- ", ""),
    (qq_body.unknown_placeholders, "<!--", "A_", ""),
    (qq_body.unknown_placeholders, "<!--A_", "1", ""),
    *((body, *each) for each in (
        ("", "<noscript>a</noscript>文", ""), ("<p>", "<style>a</style>文", "</p>"),
        ("", "<i style='display:none'>文", ""), ("<p style='", "display:", "'>"), ("<p class='", "qnt-p-x ", "'>文"),
        ("<svg>", "<img src=//x.cn/1>", ""), ("<svg>", "<i style='display:none'><img src=//x.cn/1></i>", ""),
        ("", "<object>x</object>", ""), ("<object>", "<param name=movie value='vid='>", ""), ("", "<txpdiv>VID ", ""),
        ("", "<txpdiv vid=a0018l5pyuk></txpdiv>文", "<script>x.setVid('a0018l5pyuk')</script>"),
        ("<table>", "<caption>x</caption><tr><td>y", "</table>"), ("<table><tr>", "<td colspan=99 rowspan=99>x", ""),
        ("<b>", "“<i>“</i>", "</b>"), ("<a href=//x.cn>", "<i>x</i><b>“</b>", "</a>"), ("", " <br>", ""),
        ("", "x<br>", ""), ("<pre>", "<code>`</code>", "</pre>"),
        ("", "<code>`</code>", ""), ("", "<ul><li>x</li></ul>", ""),
    )),
    *((older_body, *each) for each in (
        ("<p>", "<i class=desc>x</i>", "</p>"), ("<p>", "<i class=desc></i>", "<i class=desc>x</i></p>"),
        ("", "<p><img src=//x.cn/1></p><i>x</i>", ""), ("<img src=//x.cn/1>", "<br>", "<i>x</i>"),
        ("", "<p id=Status>x</p>", ""), ("<h1 id=Status>x</h1>", "<p>x</p>y", ""),
    )),
    *((captions, *each) for each in (
        ("", "@", ""), ("", "@文", ""), ("<p>", "@ ", "</p>文"), ("", "<p>@</p><p>文</p>", ""),
        ("<div>", "<span>@</span>", ""),
    )),
    *((field, *each) for each in (
        ("<a ", "x%d ", "></a><h1>x"), ("<iframe><a ", "x%d ", "></a></iframe><h1>x"), ("<xmp>", "<a ", ""),
        ("", "<div>", "<h1>x"), ("", "<b><p>", "<h1>x"), ("<noscript>", "<a>", "<h1>x"), ("<h1>", "x<br>", ""),
    )),
    (shown_body, "", "<div class='article-content-wrap'></div>", ""),
    (shown_body, "", "<div class='rich_media_content'>x</div>", ""),
    # our own documents, which hold foreign text
    *((pictures_of, "", *each) for each in (
        ("![", ""), ("![", "](u)"), ("![a](", ""), ("![a](u", ""), ("![a]", ""), ("![](", ")"), ("![a](\\", ""),
        ("`![", ""), ("`` ` ![", ""), ("`", "![a](u)"), ("![`", "`"), ("\\", "![a](u)"), ("![a](u)", ""),
        ("- ", "![a](u)"), ("> ", "```"), ("1. ", "![a](u)"), ("](u)", "!["), ("![\\]", "](u)"),
    )),
    *((fields_of, "", unit, end) for unit in ("---\n", "-", "--- ", "\n", " ") for end in ("", "x")),
    # Markdown
    *((partial(escape.escape, before="a", after="a"), "", unit, "") for unit in (
        "*", "_", "[", "![", "<", "<a", "<!", "&a", "&#1", "{", "\\", "`", "~", "a@", "www.", "http://", "<.",
    )),
    *((lambda text: escape.escape_starts([text, text], item=True), "", *each) for each in (
        ("*", " {"), ("* ", "x"), ("- ", "x"), ("=", "x"), ("| -", "x"), ("[", "x"), ("[\\", "x"), ("[^", "x"),
        ("{.", " "), ("#", "x"), ("1", "."),
    )),
    (escape.escape_heading, "", "# ", "x"),
    (escape.escape_heading, "", "#", "x"),
    *((escape.destination, "http://x.cn/", unit, "") for unit in ("(", "()", "{", " ", "&a", "|")),
    *((escape.code_span, "", *each) for each in (("`", "x"), ("` ", "x"), ("{", "<"), ("]", ":"), ("a", " "))),
    (lambda text: escape.fenced([text, text]), "", "```a", ""),
    *((document.shown_text, begin, unit, "") for begin in ("", "|", "`", "`` ") for unit in (
        "`", "` ", "` ``", "`` ` ", "[", "![", "](", "](a", "](a\\(", "](()", "[a](u)", "![a](u)", "![[a](u)](u)", "*",
        "* ", "~", "\\", "\\*", "> ", "- ", "1. ", "# ", "|", " --- |", "| --- |\n", "```\n", "\n", "\n\n", "&#1",
    )),
    (escape.unescaped, "", "&#1", ""),
    (escape.unescaped, "&", "a", ""),
    (html.web_address, "", "\t", "//"),
    (partial(html.web_address, base_url="https://x.cn"), "", "a+", "x"),
    (document.summarize, "", " \n", ""),
    # addresses
    *((article_id, "//x.qq.com/", unit, "") for unit in ("a/", "omn/", "1", ".")),
    (article_id, "//", "a.", "qq.com/a/20190923/000843.htm"),
]  # fmt: skip


def names() -> Iterator[str]:
    for number, (_, before, unit, after) in enumerate(HOSTILE):
        yield f"{number}: {before!r} {unit!r} {after!r}"


def seconds(read: Reader, text: str) -> float:
    """Of this process alone, the best of some: other processes and the collection of garbage only add to it."""
    best = float("inf")
    for _ in range(3):
        begun = time.process_time()
        with suppress(PageError, BrokenContent, TooManyNodes):
            read(text)
        best = min(best, time.process_time() - begun)
    return best


def is_linear(read: Reader, small: str, large: str) -> bool:
    """`large` is four times the text: a quadratic time would be sixteenfold, and some milliseconds are no time."""
    return seconds(read, large) <= 8 * seconds(read, small) + 0.02


def assert_linear(read: Reader, *texts: str) -> None:
    """Each text is four times the one before.

    One pair is enough: what slowed the machine down for a moment does not do it again, and where memory comes in
    larger pieces the time leaps once and goes on evenly.
    """
    assert any(is_linear(read, *pair) for pair in [*pairwise(texts)] * 2), f"{len(texts[-1])} characters"


# neighbours in the list are much alike: `make test` tries every third
CASES = [slow(*case) if number % 3 else case for number, case in enumerate(HOSTILE)]


@pytest.mark.parametrize(("read", "before", "unit", "after"), CASES, ids=names())
def test_four_times_the_text_takes_about_four_times_as_long(read: Reader, before: str, unit: str, after: str) -> None:
    count = max(500 // len(unit), 10)
    while count * len(unit) < 64_000 and seconds(read, before + unit * count + after) < 0.005:
        count *= 2
    assert_linear(read, *(before + unit * times * count + after for times in (1, 4, 16)))


def test_runs_of_back_ticks_of_every_length() -> None:
    few, many = ("![a](u) " + " ".join("`" * length for length in range(1, longest)) for longest in (500, 1_000))
    assert_linear(pictures_of, few, many)  # twice as many, each up to twice as long
