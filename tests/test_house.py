"""The walls of the house: imports point one way."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "newsarchive"
SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|PRAGMA|BEGIN|COMMIT|ROLLBACK)\b")
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
    "own_settings": set[str](),
    "accepted": {"errors", "settings"},
    "configured": {"archive"},
    "command": {"errors", "archive", "extensions", "accepted", "configured", "redaction"},
    "middlewares": {"handlers", "waiting"},
    "waiting": set[str](),
    "handlers": set[str](),
    "drops": set[str](),
    "wording": set[str](),
    "redaction": set[str](),
    "headers": set[str](),
    "robots": set[str](),
    "exporters": {"items", "markdown", "archive"},
    "health": {"items", "archive", "health", "wording"},
    "extensions": {
        "items",
        "errors",
        "configured",
        "archive",
        "sources",
        "health",
        "drops",
        "redaction",
        "wording",
        "extensions",
    },
    "pipelines": {
        *(
            "items",
            "errors",
            "markdown",
            "archive",
            "sources",
            "exporters",
            "drops",
            "handlers",
            "headers",
            "health",
            "extensions",
            "pipelines",
        )
    },
    "commands": {
        *(
            "items",
            "errors",
            "settings",
            "accepted",
            "configured",
            "command",
            "markdown",
            "archive",
            "sources",
            "drops",
            "wording",
            "health",
            "extensions",
            "pipelines",
            "commands",
        )
    },
    "spiders": {
        "wording",
        "items",
        "errors",
        "handlers",
        "headers",
        "archive",
        "sources",
        "redaction",
        "extensions",
        "spiders",
        *SOURCES,
    },
}
WITHOUT_SCRAPY = ("items", "errors", "markdown", "archive", "health", "sources", "wording", "redaction", *SOURCES)


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports say the whole name"
            names.add(str(node.module))
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    here = room(path)
    ours = {name.split(".")[1] for name in imports(path) if name.startswith("newsarchive.")}
    if here in MAY_IMPORT:
        assert ours <= MAY_IMPORT[here], f"{path} reaches into {sorted(ours - MAY_IMPORT[here])}"
    if here in WITHOUT_SCRAPY:
        theirs = {name.split(".")[0] for name in imports(path)}
        assert not theirs & SCRAPY, f"{path} knows Scrapy"


def test_only_the_ledger_speaks_sql() -> None:
    speakers = {path.relative_to(PACKAGE).as_posix() for path in modules() if "sqlite3" in imports(path) or sql(path)}
    assert speakers == {
        "archive/ledger.py",
        "archive/schema.py",
        "archive/table.py",
        "archive/picture_rows.py",
        "archive/run_rows.py",
    }


def sql(path: Path) -> list[str]:
    """Texts of a module that begin as a statement does."""
    texts = (it.value for it in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(it, ast.Constant))
    return [text for text in texts if isinstance(text, str) and SQL.match(text)]


def test_every_room_is_known() -> None:
    rooms = {room(path) for path in modules()} - {"__init__", "cli"}
    assert rooms == set(MAY_IMPORT)
