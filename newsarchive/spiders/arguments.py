"""Spider arguments (`-a name=value`), checked before anything is fetched."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from pathlib import Path

from newsarchive.archive.files import read_file
from newsarchive.archive.saved import saved_files
from newsarchive.errors import BadArgument


def given_arguments(arguments: Mapping[str, object], known: Collection[str]) -> dict[str, str]:
    """The values of the given arguments, without scrapyd's own, which begin with `_`.

    Raises:
        BadArgument: one is unknown or empty, or two contradict each other.
    """
    given = {name: str(value).strip() for name, value in arguments.items() if not name.startswith("_")}
    for name, text in given.items():
        if name not in known:
            raise BadArgument(f"no argument named {name!r}: expected one of {', '.join(sorted(known))}")
        if not text:
            raise BadArgument(f"{name}=: expected a value, or no {name} at all")
    if clash := contradiction(given):
        first, second = clash
        raise BadArgument(f"{first} and {second} together: {_ALONE[first]}")
    return given


_GOES_WITH = {"replay": set[str](), "urls": {"limit"}}
_ALONE = {
    "replay": "a replay reads every saved page and nothing else",
    "urls": "what is named is fetched and nothing else, with limit at most so many of it",
}


def contradiction(given: Collection[str]) -> tuple[str, str] | None:
    """Two arguments that cannot be used together, the first of which makes the second meaningless, or `None`.

    >>> contradiction(["since", "replay"]), contradiction(["urls", "limit"])
    (('replay', 'since'), None)
    """
    for name, partners in _GOES_WITH.items():
        if name in given:
            for other in given:
                if other != name and other not in partners:
                    return name, other
    return None


def day(name: str, text: str) -> date | None:
    """A day, or `None` for an empty text.

    >>> day("since", "2026-11-01")
    datetime.date(2026, 11, 1)
    """
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadArgument(f"{name}={text}: expected a day like 2026-11-01") from None


def number(name: str, text: str, default: int | None) -> int | None:
    """A whole number of at least 1, or `default` for an empty text."""
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise BadArgument(f"{name}={text}: expected a whole number of at least 1")
    return int(text)


def switch(name: str, text: str) -> bool:
    """Whether the text is `1`; an empty text counts as `0`."""
    if text not in ("", "0", "1"):
        raise BadArgument(f"{name}={text}: expected 1 or 0")
    return text == "1"


def words(name: str, text: str) -> list[str]:
    """The words in a comma-separated text, each once and in order.

    >>> words("channels", "tech, finance,tech")
    ['tech', 'finance']
    """
    found = list(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    if not found:
        raise BadArgument(f"{name}={text}: expected at least one, with commas between several")
    return found


def refuse_others(name: str, given: Collection[str], known: Collection[str]) -> None:
    """Raises `BadArgument` if one is not in `known`."""
    for each in given:
        if each not in known:
            raise BadArgument(f"{name}={each}: unknown, expected any of {', '.join(known)}")


def named_articles(text: str, article_id: Callable[[str], str]) -> list[str]:
    """The ids of articles given by URL or id, comma-separated, or one per line in the file after `@`."""
    if text.startswith("@"):
        file = Path(text[1:]).expanduser()
        if file.exists() and not file.is_file():
            raise BadArgument(f"urls={text}: expected a text file, and no pipe, device or folder")
        try:
            lines = read_file(file.resolve()).decode("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            raise BadArgument(f"urls={text}: cannot read the file: {reason}") from None
        names = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    else:
        names = words("urls", text)
    if not names:
        raise BadArgument(f"urls={text}: expected at least one URL or id")
    try:
        return list(dict.fromkeys(article_id(name) for name in names))
    except BadArgument as error:
        raise BadArgument(f"urls: {error}") from None


def saved(name: str, text: str) -> Path | None:
    """A file or folder of saved pages, or `None` for an empty text."""
    if not text:
        return None
    path = Path(text).expanduser()
    if not path.exists():
        raise BadArgument(f"{name}={text}: no such file or folder")
    saved_files(path)
    return path
