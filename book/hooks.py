"""What mkdocs does not do: the list of pages as navigation, links out of docs/, the page in the other language."""

from __future__ import annotations

import logging
import re
import tomllib
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PROJECT = Path(__file__).parent.parent
DOCS = PROJECT / "docs"
REPOSITORY = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Source"]
FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<=\]\()(\.\./[^)#\s]*)")


def on_config(config: MkDocsConfig) -> None:
    """The list of pages in README.md is the navigation too, so that there is one list."""
    logging.getLogger("jieba").setLevel(logging.WARNING)  # it says what it loads
    pages: list[dict[str, str]] = []
    nav: list[Any] = ["README.md"]
    for line in (Path(config.docs_dir) / "README.md").read_text("utf-8").splitlines():
        if group := re.fullmatch(r"- (.+)", line):
            pages = []
            nav.append({group[1]: pages})
        elif page := re.fullmatch(r"    - \[(.+)\]\((.+)\)", line):
            pages.append({page[1]: page[2]})
    config.nav = nav


def on_files(files: Files, config: MkDocsConfig) -> None:
    """The Chinese pages show the pictures of the English ones."""
    if Path(config.docs_dir) != DOCS:
        for path in sorted((DOCS / "images").iterdir()):
            files.append(File(f"images/{path.name}", str(DOCS), config.site_dir, use_directory_urls=False))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """A link that leads out of the pages' folder is one to the repository."""
    folder: Path = (Path(config.docs_dir) / page.file.src_uri).parent

    def outside(link: re.Match[str]) -> str:
        target = (folder / link[1]).resolve()
        if target.is_relative_to(DOCS / "images"):
            return target.relative_to(DOCS).as_posix()
        kind = "tree" if target.is_dir() else "blob"
        return f"{REPOSITORY}/{kind}/main/{target.relative_to(PROJECT).as_posix()}"

    parts = FENCED.split(markdown)
    return "".join(part if part.startswith("```") else LINK.sub(outside, part) for part in parts)


def on_page_context(_: dict[str, Any], page: Page, config: MkDocsConfig, **__: Any) -> None:
    english, chinese = ("", "zh/") if Path(config.docs_dir) == DOCS else ("../", "")
    config.extra["alternate"] = [
        {"name": "English", "lang": "en", "link": english + page.url},
        {"name": "简体中文", "lang": "zh-CN", "link": chinese + page.url},
    ]
