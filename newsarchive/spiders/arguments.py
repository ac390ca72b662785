"""Spider arguments (`-a name=value`), checked before anything is fetched."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from pathlib import Path

from newsarchive.archive.saved import saved_files
from newsarchive.errors import BadArgument


def refuse_unknown(given: Collection[str], known: Collection[str]) -> None:
    """Raises `BadArgument` for a name that the spider does not have; scrapyd's begin with `_`."""
    for name in given:
        if name not in known and not name.startswith("_"):
            raise BadArgument(f"no argument named {name!r}: expected one of {', '.join(sorted(known))}")


def day(name: str, text: str) -> date | None:
    """A day, or `None` for no text.

    >>> day("since", "2026-11-01")
    datetime.date(2026, 11, 1)
    """
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadArgument(f"{name}={text}: expected a day like 2026-11-01") from None


def number(name: str, text: str, default: int | None) -> int | None:
    """A number of at least 1, or `default` for no text."""
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise BadArgument(f"{name}={text}: expected a number of at least 1")
    return int(text)


def switch(name: str, text: str) -> bool:
    """`1` or `0`; nothing is `0`."""
    if text not in ("", "0", "1"):
        raise BadArgument(f"{name}={text}: expected 1 or 0")
    return text == "1"


def choices(name: str, text: str, known: Collection[str]) -> list[str]:
    """Names with commas between them, each one of `known`; each once."""
    names = words(text)
    for each in names:
        if each not in known:
            raise BadArgument(f"{name}={each}: unknown, expected any of {', '.join(known)}")
    return names


def words(text: str) -> list[str]:
    """Texts with commas between them, each once and in order."""
    return list(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))


def named_articles(text: str, article_id: Callable[[str], str]) -> list[str]:
    """Ids of articles by URL or id, with commas between them, or one a line in the file after `@`."""
    if text.startswith("@"):
        file = Path(text[1:])
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise BadArgument(f"urls={text}: cannot read the file: {error}") from None
        names = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    else:
        names = words(text)
    if not names:
        raise BadArgument(f"urls={text}: expected at least one URL or id")
    try:
        return list(dict.fromkeys(article_id(name) for name in names))
    except BadArgument as error:
        raise BadArgument(f"urls: {error}") from None


def saved(name: str, text: str) -> Path | None:
    """A file or folder of saved pages, or `None` for no text."""
    if not text:
        return None
    path = Path(text).expanduser()
    if not path.exists():
        raise BadArgument(f"{name}={text}: no such file or folder")
    saved_files(path)
    return path
