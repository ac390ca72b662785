"""The walls of the house: imports point one way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "newsarchive"
SCRAPY = {"scrapy", "twisted", "itemadapter"}

# A source is a folder that can read pages: a new one is known without a change here.
SOURCES = {path.parent.name for path in PACKAGE.glob("*/pages.py")}
# Room → what it may import of ours. `sources` finds a source's reader by name.
MAY_IMPORT = {
    "items": set[str](),
    "errors": set[str](),
    **{source: {"items", "errors", "markdown", source} for source in SOURCES},
    "markdown": {"items", "errors", "markdown"},
    "sources": {"items", "errors"},
    "archive": {"items", "errors", "markdown", "archive", "sources", "wording"},
    "settings": {"qq"},
    "accepted": {"errors", "settings"},
    "command": {"errors", "archive", "extensions", "accepted"},
    "middlewares": {"handlers"},
