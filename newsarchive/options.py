"""Our settings, read once into one typed object, and the check of all settings before anything is opened."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self, TextIO
from urllib.parse import urlsplit

from scrapy.settings import BaseSettings, default_settings
from scrapy.utils.conf import closest_scrapy_cfg

from newsarchive import settings as our_settings
from newsarchive.errors import BadArgument

_OURS = ("ARCHIVE_", "QQ_")
_OUR_NAMES = [each for each in dir(our_settings) if each.isupper()]
_KNOWN = frozenset(each for each in (*_OUR_NAMES, *dir(default_settings)) if each.isupper())


@dataclass(frozen=True, kw_only=True)
class Options:
    """The settings of an archive, `ARCHIVE_…`, each under its own name; `settings.py` says what they mean."""

    dir: Path
    """Absolute: a relative `ARCHIVE_DIR` is below the folder of `scrapy.cfg`, and `~` is the user's home."""
    pages: bool = our_settings.ARCHIVE_PAGES
    min_text: int = our_settings.ARCHIVE_MIN_TEXT
    pictures: bool = our_settings.ARCHIVE_PICTURES
    pictures_url: str = our_settings.ARCHIVE_PICTURES_URL
    pictures_max_bytes: int = our_settings.ARCHIVE_PICTURES_MAX_BYTES
    pictures_backlog: int = our_settings.ARCHIVE_PICTURES_BACKLOG
    recheck_hours: tuple[timedelta, ...] = tuple(timedelta(hours=each) for each in our_settings.ARCHIVE_RECHECK_HOURS)
    retry_minutes: timedelta = timedelta(minutes=our_settings.ARCHIVE_RETRY_MINUTES)
    max_tries: int = our_settings.ARCHIVE_MAX_TRIES
    progress: bool | None = our_settings.ARCHIVE_PROGRESS

    @classmethod
    def from_settings(cls, settings: BaseSettings) -> Self:
        """Raises `BadArgument` for a value that cannot be used."""
        return cls(**{field.name: _read(settings, f"ARCHIVE_{field.name.upper()}") for field in fields(cls)})


@dataclass(frozen=True)
class Kind:
    """What a setting may be."""

    expected: str
    read: Callable[[Any], Any]
    """The typed value of a raw one. Raises `ValueError`, `TypeError` or `RuntimeError` for one that cannot be used."""


def _number(least: float, most: float = sys.float_info.max) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if not least <= float(value) <= most:
            raise ValueError
        return float(value)

    return read


def _whole(least: int) -> Kind:
    within = _number(least, 2**31 - 1)
    return Kind(f"a whole number of at least {least}", lambda value: int(within(int(value))))


def _yes_or_no(value: object) -> bool:
    return BaseSettings({"": value}).getbool("")


def _list(value: object) -> list[str]:
    return [str(each).strip() for each in BaseSettings({"": value}).getlist("")]


def _folder(value: object) -> Path:
    beginning = Path(closest_scrapy_cfg() or ".").absolute()
    return (beginning.parent if beginning.is_file() else beginning) / Path(_text(value)).expanduser()


def _text(value: object) -> str:
    if not str(value or "").strip():
        raise ValueError
    return str(value)


def _url(value: object) -> str:
    """An http(s) URL with a host, and without a user: Scrapy has HTTPAUTH_USER and HTTPAUTH_PASS for that."""
    text = str(value)
    parts = urlsplit(text)
    is_http = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    if re.search(r"\s", text) or "@" in parts.netloc or not is_http:
        raise ValueError
    return text


def _matching(pattern: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not re.fullmatch(pattern, str(value), re.ASCII):
            raise ValueError
        return str(value)

    return read


_AT_LEAST_0 = Kind("a number of at least 0", _number(0))
_URL = Kind("a URL like https://host/path", _url)
_LINK_PREFIX = r"(/|https?://[^\s/?#])[^\s\x00-\x1f<>()\[\]\"\\]*"  # nothing that would end a link in Markdown
_LONGEST = 1e6  # minutes or hours: more is a slip, and no date can hold much more than a million hours
_ANY_NUMBER = Kind("a number", lambda value: value is None or _number(-sys.float_info.max)(value))
_OF_TYPE = {bool: Kind("True or False", _yes_or_no), int: _ANY_NUMBER, float: _ANY_NUMBER}

KINDS: dict[str, Kind] = {
    "ARCHIVE_DIR": Kind("a folder", _folder),
    "QQ_CHANNELS": Kind(
        "names of channels with commas between them", lambda value: _matching(r"[a-z0-9_,]+")(",".join(_list(value)))
    ),
    **dict.fromkeys(("QQ_LIST_URL", "QQ_ARTICLE_URL", "QQ_HOT_URL", "QQ_ACCOUNT_URL", "QQ_SITEMAP_URL"), _URL),
    "USER_AGENT": Kind("some text", _text),
    **dict.fromkeys(("DOWNLOAD_DELAY", "AUTOTHROTTLE_START_DELAY", "AUTOTHROTTLE_MAX_DELAY"), _AT_LEAST_0),
    **dict.fromkeys(("CONCURRENT_REQUESTS", "CONCURRENT_REQUESTS_PER_DOMAIN", "CONCURRENT_ITEMS"), _whole(1)),
    "ARCHIVE_BACKOFF": _AT_LEAST_0,
    "RETRY_TIMES": _whole(0),
    "RETRY_HTTP_CODES": Kind(
        "HTTP statuses with commas between them", lambda value: [*map(_number(100, 599), _list(value))]
    ),
    "DOWNLOAD_TIMEOUT": Kind("a number above 0", _number(sys.float_info.min)),
    "DOWNLOAD_MAXSIZE": _whole(0),
    "ARCHIVE_MIN_TEXT": _whole(0),
    "ARCHIVE_PICTURES_URL": Kind("a path that begins with / or a URL", _matching(_LINK_PREFIX)),
    "ARCHIVE_PICTURES_MAX_BYTES": _whole(1),
    "ARCHIVE_PICTURES_BACKLOG": _whole(0),
    "ARCHIVE_RECHECK_HOURS": Kind(
        "hours with commas between them",
        lambda value: tuple(timedelta(hours=_number(0, _LONGEST)(each)) for each in _list(value)),
    ),
    "ARCHIVE_RETRY_MINUTES": Kind(
        "a number of at least 0", lambda value: timedelta(minutes=_number(0, _LONGEST)(value))
    ),
    "ARCHIVE_MAX_TRIES": _whole(1),
    "ARCHIVE_PROGRESS": Kind(
        "None, True or False", lambda value: None if value in (None, "", "None") else _yes_or_no(value)
    ),
    "LOG_LEVEL": Kind("DEBUG, INFO, WARNING, ERROR or CRITICAL", lambda value: logging.Handler().setLevel(value)),
}
"""The settings with a stricter check than the type of their default."""


def validate_settings(settings: BaseSettings, overridden: Collection[str] = ()) -> None:
    """Raises `BadArgument` for a value that cannot be used, or for a misspelt name of one of our settings.

    It does not matter where it was set. `overridden` are the names given with `-s`: there a misspelt name of one of
    Scrapy's settings is refused too; in a settings file it may be another program's, such as USER_AGENTS.
    """
    for name in settings:
        shown = f"-s {name}" if name in overridden else name
        if (name in overridden or name.startswith(_OURS)) and (meant := misspelt(name)):
            raise BadArgument(f"{shown}: no such setting, expected {meant}")
        _read(settings, name, shown)


def _read(settings: BaseSettings, name: str, shown: str = "") -> Any:
    default = getattr(our_settings, name, getattr(default_settings, name, None))
    kind = KINDS.get(name) or _OF_TYPE.get(type(default))
    if kind is None:
        return settings[name]
    try:
        return kind.read(settings[name])
    except (ValueError, TypeError, RuntimeError):  # RuntimeError: the home of a user that does not exist
        given = " ".join(str(settings[name]).split())
        raise BadArgument(f"{shown or name}={given}: expected {kind.expected}") from None


def misspelt(name: str) -> str:
    """The setting that an unknown name must mean; `""` for a known name, or one that another program may read.

    >>> misspelt("ARCHIVE_DIRR"), misspelt("DOWNLOAD_DELY"), misspelt("USER_AGENT"), misspelt("MY_EXTENSION_ENABLED")
    ('ARCHIVE_DIR', 'DOWNLOAD_DELAY', '', '')
    """
    is_ours = name.upper().startswith(_OURS)
    alike = get_close_matches(name.upper(), _OUR_NAMES if is_ours else _KNOWN, n=1, cutoff=0 if is_ours else 0.85)
    return "" if name in _KNOWN else "".join(alike)


def is_standard_output(feed: object) -> bool:
    """Whether a key of FEEDS means standard output, as `-o -:jsonl` does."""
    return urlsplit(str(feed)).scheme == "stdout"


def stream_for_people(settings: BaseSettings) -> TextIO:
    """Where a summary is printed: on standard output, unless that is what `-o` exports to."""
    return sys.stderr if any(map(is_standard_output, settings.getdict("FEEDS"))) else sys.stdout
