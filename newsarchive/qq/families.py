"""Page families of Tencent News: one class per template."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import ClassVar

from lxml import etree

from newsarchive.markdown.document import clean_value
from newsarchive.qq.boilerplate import is_hidden
from newsarchive.qq.content import standard, standardize
from newsarchive.qq.markup import drop, has_class, has_id, text_of, without_styles
from newsarchive.qq.page import ArticlePage, merged
from newsarchive.qq.placeholders import unknown_placeholders
from newsarchive.qq.script import STRING, string_value

# The lead of an F2 or F3 page when it is next to the body; usually it is in the body.
_LEAD = ".LEFT .content.clearfix:has(> .content-article) > .introduction"


class OriginContentPage(ArticlePage):
    """A page whose JSON holds the body's HTML with placeholders: families F4 and F5."""

    containers: ClassVar[tuple[str, ...]] = (
        "#ArticleContent .article-content-wrap",
        "#ArticleContent > .rich_media_content",
    )
    wide_containers = ("#ArticleContent:has(> .qnt-p)",)

    @cached_property
    def origin(self) -> str:
        """The HTML of the body with placeholders, `""` when the JSON has none."""
        return without_styles(self._origin_value("text"))

    @property
    def version(self) -> str:
        return self._origin_value("version")

    def json_body(self) -> etree._Element | None:
        if not self.origin:
            return None
        attributes = self.data.get("originAttribute")
        return standard(self.origin, attributes if isinstance(attributes, Mapping) else {})

    @property
    def unknown_keys(self) -> tuple[str, ...]:
        unknown = unknown_placeholders(self.origin)
        return (*super().unknown_keys, *sorted(f"<!--{name}_n-->" for name in unknown))

    def _origin_value(self, key: str) -> str:
        found = self.data.get("originContent")
        value = found.get(key) if isinstance(found, Mapping) else None
        return value if isinstance(value, str) else ""


class ModernPage(OriginContentPage):
    """Since 2024-11-22: the body in the JSON and in the HTML."""

    family = "F5"
    containers = (
        *(f"#article-content {css}" for css in (".rich_media_content", ".article-content-wrap")),
        "#article-content .comps-contentify-wrap",
        *OriginContentPage.containers,
    )
    heading = "h1#article-title"

    def matches(self) -> bool:
        return self.version == "v2" or has_id(self.source, "article-content")


class JsonOnlyPage(OriginContentPage):
    """2024-04-24 to 2024-11-21: the body only in the JSON; in a saved DOM a script has rendered it."""

    family = "F4"
    heading = ".LEFT > h1"

    def matches(self) -> bool:
        return "originContent" in self.data or has_id(self.source, "ArticleContent")


class ServedPage(ArticlePage):
    """2018 to 2024-04-23 (F2 at `/omn/`, F3 at `/rain/a/`): the body in the HTML, the fields in the JSON."""

    family = "F2"
    wide_containers = (".LEFT .content-article", ".LEFT .content.clearfix")
    heading = ".LEFT > h1"
    captions_in_italics = True

    def matches(self) -> bool:
        # without the JSON the page has no complete publish time, and later layouts use the class names too
        return bool(self.data) and has_class(self.source, "LEFT")

    def html_body(self) -> etree._Element | None:
        leads = [each.root for each in self.selector.css(_LEAD)]
        drop(self.selector.root, leads)  # else an empty body would seem to contain the lead
        leads = [lead for lead in leads if not is_hidden(lead, (lead.get("class") or "").split())]
        body = super().html_body()
        if body is None:
            return None
        drop(body, [each for each in body.findall(".//h1") if clean_value(text_of(each)) == self.title])
        return merged([*map(standardize, leads), body]) if leads else body


class DatedPage(ArticlePage):
    """To 2019-09, `finance.qq.com/a/20190923/000843.htm`: gb2312, the fields in a JavaScript object."""

    family = "F1"
    wide_containers = ("#Cnt-Main-Article-QQ",)
    heading = ".qq_article .hd h1"
    site_name = re.compile(r"(?:(?:_[^_]{1,6})?_|^)\s*腾讯网\s*$")  # with the channel: _财经_腾讯网

    def matches(self) -> bool:
        return has_id(self.source, "Cnt-Main-Article-QQ")

    def addresses(self) -> Iterator[str]:
        yield self.info("article_url")
        yield self.url

    def titles(self) -> Iterator[str]:
        yield self.text(self.heading)
        yield self.info("title")
        yield from super().titles()

    def times(self) -> Iterator[str]:
        yield self.text(".a_time")
        yield self.text(".pubTime")
        yield self.info("pubtime")

    def info(self, key: str) -> str:
        """A value of the `ARTICLE_INFO` object, `""` without one."""
        pattern = rf"""\bARTICLE_INFO\s*=.{{0,2000}}?[{{,\s]["']?{key}["']?\s*:\s*({STRING})"""
        found = re.search(pattern, self.source, re.DOTALL)
        return string_value(found[1]).strip() if found else ""


FAMILIES: tuple[type[ArticlePage], ...] = (ModernPage, JsonOnlyPage, ServedPage, DatedPage)
