"""Imports between the rooms point one way: the packages, and the modules beside them."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "newsarchive"
SOURCES = {path.parent.name for path in PACKAGE.glob("*/pages.py")}
"""A source is a package that can read pages: a new one needs no change here."""


def imports(path: Path) -> set[str]:
    """The first two parts of every imported name, also of those below a function or `TYPE_CHECKING`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {".".join(name.split(".")[:2]) for name in names}


@cache
def rooms() -> dict[str, set[str]]:
    """Room → other rooms of ours (`qq`) and other packages (`scrapy`) that it imports."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for package, _, name in (imported.partition(".") for imported in imports(path)):
            found[room].add(name if package == "newsarchive" else package)
        found[room].discard(room)
    return dict(found)


def reachable(room: str) -> set[str]:
    """What is imported by a room, by those that it imports, and so on."""
    graph, found, waiting = rooms(), set[str](), [room]
    while waiting:
        new = graph.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def test_no_room_imports_one_that_imports_it() -> None:
    TopologicalSorter(rooms()).prepare()  # raises CycleError, which names the circle


def test_items_import_nothing_of_ours() -> None:
    assert not rooms()["items"] & rooms().keys()


@pytest.mark.parametrize("room", ["markdown", *sorted(SOURCES)])
def test_sources_and_markdown_need_neither_scrapy_nor_archive(room: str) -> None:
    found = reachable(room)
    assert not found & {"scrapy", "twisted", "itemadapter", "archive", "pipelines", "extensions", "commands"}


@pytest.mark.parametrize(
    ("room", "others"),
    [
        ("archive", {"scrapy", "twisted", *SOURCES, "spiders", "pipelines", "extensions", "commands"}),
        ("health", {"scrapy", "twisted", *SOURCES, "spiders", "pipelines", "extensions", "commands"}),
        ("spiders", {"markdown", "pipelines", "commands"}),
        ("pipelines", {"spiders", "commands"}),
    ],
)
def test_a_room_does_not_import(room: str, others: set[str]) -> None:
    assert not rooms()[room] & others


def test_only_the_archive_contains_sql() -> None:
    assert {room for room, imported in rooms().items() if imported & {"sqlite3", "sqlalchemy"}} <= {"archive"}
