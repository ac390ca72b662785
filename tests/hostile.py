"""Bodies that nobody would write, for hypothesis: all that Markdown or Hugo could take for its own."""

from __future__ import annotations

import html

from hypothesis import strategies as st

_WORDS = [
    "甲", "乙丙", "记者：", "“丁。”", "（戊）", "《己》", "……", "——", "、", "Q：", "a", "ab", "x1", "Z", "0",
    "1", "12", "é", "ß", "{{<", "{{%", "{{< x >}}", "{{% x %}}", "{{", "}}", ">}}", "%}}", "{{{<",
    "{{</* x */>}}", "{", "}", "{.c}", "{#i}", "{a=b}", "<b>", "</b>", "<br>", "<!--", "-->", "<!--more-->",
    "<![CDATA[", "<?php", "<script>", "<a@b.cn>", "<1@b.cn>", "<", ">", "<http://x.cn>", "http://x.cn/a_b_c",
    "https://x.cn/_a_*b*/?c=1&amp;d=2~~e", "www.x.cn", "www.x.cn/_a_)", "a@b.cn", "a_b@c.cn", "http://x.cn/(a",
    "http://x.cn/a;&copy;", "ftp://x.cn/`a`", "http://x.cn/[a](b)", "http://x.cn/**", "http://", "//x.cn",
    "```", "~~~", "``", "`", "~~", "~", "~~甲~~", "600亿~650亿", "````", "==", "++", "^", "^^", "[x]: /u",
    "[x]:", "[^1]", "[^1]: ", "[x]", "[x](y)", "[x][y]", "![x](y)", "![", "](", "[ ]", "[x] ", "*[HTML]: a",
    "[", "]", "!", "| a | b |", "|---|---|", "--- | ---", ":-:", ":--", "|", "-|-", ":", ": ", ":smile:",
    ":+1:", "😀", "❤️", "👨‍👩‍👧", "🇨🇳", "1️⃣", "#", "##", "# ", "### x", "#甲", "-", "- ", "--", "---",
    "----", "+", "+ ", "* ", "*", "**", "***", "_", "__", "___", "_ _ _", "* * *", "=", "===", "1.", "1. ",
    "1)", "1) ", "10. ", "2025. ", "1234567890. ", ">", "> ", ">>", "a)", "    ", "\t", "  ", " ", "\n",
    "\r\n", "&amp;", "&lt;", "&#42;", "&#x2a;", "&nbsp;", "&copy", "&copy;", "&x;", "&", "&#0;", "&amp;lt;",
    "AT&T", "\\", "\\\\", "\\*", "\\n", "\\甲", "\\{", "\\\\*", "\\|", "\\<", "$", "$$", "\\(", "\\[", "%",
    "%%%", '"', "'", "...", "(c)", "(tm)", "\xa0", "\u3000", "\u3000\u3000", "\u200b", "\ufeff", "\u2028",
    "\u2029", "\x85", "\u200d", "\u2003", "\u00ad", "\u0301", "\u202e", "\x01", "\x08", "\x1b[0m", "\x7f",
    "\ufffe", "×", "￥", "€", "＋", "～", "。", "，", "！", "？", "：", "「", "」", "『", "·", "％",
    "HAHAHUGOSHORTCODE1s0HBHB", "HUGOMORE42", "+++", "%20", "[TOC]", "javascript:a", "\\\n", "-甲", "+甲",
    "*ST甲", "1.5", "a_b_c", "_甲_",
]  # fmt: skip

_URLS = [
    "https://x.cn/a", "http://x.cn/a b", "https://x.cn/(a", "https://x.cn/a)b", "https://x.cn/(a)",
    "https://x.cn/{{<a", "https://x.cn/{{%a", "https://x.cn/甲", "//x.cn/a", "https://x.cn/?a=1&copy;=2&b",
    "https://x.cn/a|b", "https://x.cn/`a`", "https://x.cn/_a_*b*", "https://x.cn/\\a", "https://x.cn/<a>",
    "https://x.cn/\"a'", "https://x.cn/a#b", "https://x.cn/\u3000a", "https://x.cn/[a]", "https://x.cn/%7Ba",
    "HTTPS://X.CN/a",
]  # fmt: skip
_NO_URLS = [
    "",
    "#a",
    "javascript:alert(1)",
    "mailto:a@b.cn",
    "/a",
    "data:image/png;base64,AAAA",
    "ftp://x.cn/",
    "http://",
    "about:blank",
]

_urls = st.sampled_from(_URLS)
_any_urls = st.one_of(_urls, st.sampled_from(_NO_URLS))

_pieces = st.one_of(
    st.sampled_from(_WORDS),
    st.sampled_from("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~甲a1 "),
    st.characters(exclude_categories=("Cs", "Cc")),
)
text = st.lists(_pieces, min_size=1, max_size=6).map("".join)
"""Plain text, not yet HTML."""

_escaped = text.map(lambda words: html.escape(words, quote=False).replace("\x00", ""))


def _wrapped(inner: st.SearchStrategy[str], *tags: str) -> st.SearchStrategy[str]:
    return st.tuples(st.sampled_from(tags), inner).map(lambda pair: f"<{pair[0]}>{pair[1]}</{pair[0]}>")


def _attribute(
    tag: str, name: str, values: st.SearchStrategy[str], inner: st.SearchStrategy[str]
) -> st.SearchStrategy[str]:
    return st.tuples(values, inner).map(lambda pair: f'<{tag} {name}="{html.escape(pair[0])}">{pair[1]}</{tag}>')


def _joined(parts: st.SearchStrategy[str], most: int, least: int = 1) -> st.SearchStrategy[str]:
    return st.lists(parts, min_size=least, max_size=most).map("".join)


_pictures = st.tuples(st.sampled_from(["src", "data-src"]), _urls, st.one_of(st.just(""), text)).map(
    lambda parts: f'<img {parts[0]}="{html.escape(parts[1])}" alt="{html.escape(parts[2])}">'
)
_emphasis = ("strong", "b", "em", "i", "s", "del")
_nothing = st.sampled_from(["<br>", "<br><br>", " <br/> ", "<!-- x -->", "<svg><text>x</text></svg>"])
_inline = st.recursive(
    st.one_of(_escaped, _escaped, _escaped, _nothing),
    lambda inner: st.one_of(
        _wrapped(_joined(inner, 3), *_emphasis),
        _wrapped(_joined(inner, 3), "span", "font", "u", "sub", "sup", "x-y", "code"),
        _attribute("a", "href", _any_urls, _joined(inner, 2)),
        _joined(inner, 3),
    ),
    max_leaves=8,
)
_line = _joined(st.one_of(_inline, _inline, _inline, _pictures), 4)

_cells = _joined(_wrapped(_joined(st.one_of(_inline, _wrapped(_inline, "p", "div", "li")), 3, 0), "td", "th"), 4)
_tables = _joined(_cells.map(lambda row: f"<tr>{row}</tr>"), 4).map(
    lambda rows: f"<table><tbody>{rows}</tbody></table>"
)
_code = st.tuples(st.sampled_from(["{}", "<code>{}</code>"]), _joined(st.one_of(_escaped, st.just("\n")), 5)).map(
    lambda pair: f"<pre>{pair[0].format(pair[1]) if '{}' not in pair[1] else pair[1]}</pre>"
)
_videos = st.tuples(st.sampled_from(["video", "iframe", "audio"]), _urls, st.one_of(st.just(""), text)).map(
    lambda parts: f'<{parts[0]} src="{html.escape(parts[1])}" title="{html.escape(parts[2].strip())}"></{parts[0]}>'
)
_leaves = st.one_of(
    _wrapped(_line, "p"),
    _wrapped(_line, "p", "div", "section", "h1", "h2", "h3", "h4", "h6", "figcaption"),
    _line,
    st.just("<hr>"),
    _pictures,
    _tables,
    _code,
    _videos,
)


def _lists(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    items = _joined(_wrapped(_joined(inner, 3), "li"), 3)
    return st.tuples(st.sampled_from(["ul", "ol", 'ol start="3"']), items).map(
        lambda pair: f"<{pair[0]}>{pair[1]}</{pair[0][:2]}>"
    )


_blocks = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        _lists(inner),
        _wrapped(_joined(inner, 3), "blockquote", "div", "section"),
        _wrapped(_joined(inner, 2), "strong", "b", "em"),
        _joined(inner, 3),
    ),
    max_leaves=6,
)
bodies = _joined(_blocks, 4)
"""HTML of a body."""
