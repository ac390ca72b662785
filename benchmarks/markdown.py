"""Compares HTML to Markdown with other converters: time, and how much of the page Hugo then shows.

    pip install markdownify html2text html-to-markdown trafilatura
    python -m benchmarks.markdown bodies.jsonl

Each line of the file is a JSON object with `body_html`; without a file it is the real data's `bodies.jsonl`. Every
converter gets the same HTML, already without the site's boilerplate. A converter that is not installed is left out.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from newsarchive.markdown.html import parse
from newsarchive.markdown.reader import convert
from newsarchive.qq.body import standardize
from tests.rendering import HugoFailed, Outline, as_lxml, bold_share, page_outline, rendered, shown_outline

Converter = Callable[[str], str]
ROUNDS = 3


def ours(html: str) -> str:
    return convert(parse(html)).markdown


def peer(module: str, use: Callable[[Any], Converter]) -> Converter | None:
    try:
        return use(importlib.import_module(module))
    except ImportError:
        print(f"{module} is not installed: left out", file=sys.stderr)
        return None


def html2text_converter(module: Any) -> Converter:
    def convert_page(html: str) -> str:
        reader = module.HTML2Text(bodywidth=0)
        reader.ignore_emphasis = reader.ignore_images = False
        return str(reader.handle(html))

    return convert_page


def trafilatura_converter(module: Any) -> Converter:
    def convert_page(html: str) -> str:
        options = {
            "output_format": "markdown",
            "include_images": True,
            "include_formatting": True,
            "favor_recall": True,
        }
        return module.extract(f"<html><body><article>{html}</article></body></html>", **options) or ""

    return convert_page


def html_to_markdown_converter(module: Any) -> Converter:
    def convert_page(html: str) -> str:
        result = module.convert(html)
        return result if isinstance(result, str) else str(result.content)

    return convert_page


CONVERTERS: dict[str, Converter | None] = {
    "newsarchive": ours,
    "html-to-markdown": peer("html_to_markdown", html_to_markdown_converter),
    "html2text": peer("html2text", html2text_converter),
    "markdownify": peer("markdownify", lambda module: lambda html: str(module.markdownify(html, heading_style="ATX"))),
    "trafilatura": peer("trafilatura", trafilatura_converter),
}


def seconds(converter: Converter, pages: Sequence[str]) -> float:
    """Seconds per page, from the fastest round."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for page in pages:
            converter(page)
        best = min(best, time.perf_counter() - start)
    return best / len(pages)


def shown(markdowns: Sequence[str]) -> list[Outline]:
    """What Hugo shows; nothing for a body that makes its build fail."""
    outlines = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            roots = rendered(markdowns, Path(folder) / "all", quiet=True)
            return [shown_outline(root) for root in roots]
        except HugoFailed:
            print("Hugo's build of all bodies ended with an error: each is built alone", file=sys.stderr)
        for number, markdown in enumerate(markdowns):
            try:
                (root,) = rendered([markdown], Path(folder) / str(number), quiet=True)
                outlines.append(shown_outline(root))
            except HugoFailed:
                outlines.append(Outline([], {}))
    return outlines


def characters(outline: Outline) -> str:
    return "".join(leaf.text for leaf in outline.leaves if leaf.kind != "picture")


def main(arguments: Sequence[str]) -> int:
    data = os.environ.get("NEWSARCHIVE_REAL_DATA")
    if not arguments and not data:
        print("no bodies: name a file of JSON lines with body_html, or set NEWSARCHIVE_REAL_DATA", file=sys.stderr)
        return 2
    path = Path(arguments[0]) if arguments else Path(str(data)) / "bodies.jsonl"
    bodies = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    roots = [standardize(parse(body["body_html"]), {}) for body in bodies]
    pages = [root.inner_html for root in roots]
    outlines = [page_outline(as_lxml(root)) for root in roots]
    print(f"{len(pages)} bodies, {sum(map(len, pages)) / len(pages) / 1000:.1f} thousand characters of HTML each\n")
    print(f"{'':18}{'ms a body':>10}{'times ours':>12}{'text whole':>12}{'pictures':>10}{'blocks':>9}{'bold':>8}")
    base = seconds(ours, pages)
    for name, converter in CONVERTERS.items():
        if converter is None:
            continue
        spent = seconds(converter, pages)
        results = list(zip(outlines, shown([converter(page).strip("\n") for page in pages]), strict=True))
        whole = sum(characters(page) == characters(show) for page, show in results)
        pictures = sum(page.pictures == show.pictures for page, show in results)
        blocks = sum([leaf.key for leaf in page.leaves] == [leaf.key for leaf in show.leaves] for page, show in results)
        same_text = [(page, show) for page, show in results if characters(page) == characters(show)]
        print(
            f"{name:18}{spent * 1000:>10.2f}{spent / base:>12.1f}{whole / len(pages):>12.1%}"
            f"{pictures / len(pages):>10.1%}{blocks / len(pages):>9.1%}{bold_share(same_text):>8.1%}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
