"""Our settings, read once into one typed object, and the check of all settings before anything is opened."""

import logging
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from scrapy.downloadermiddlewares.httpproxy import HttpProxyMiddleware
from scrapy.settings import BaseSettings, default_settings
from scrapy.utils.conf import closest_scrapy_cfg

from newsarchive import settings as our_settings
from newsarchive.errors import BadArgument
from newsarchive.sources import source_of_setting

_OUR_NAMES = [each for each in dir(our_settings) if each.isupper()]
_KNOWN = frozenset(each for each in (*_OUR_NAMES, *dir(default_settings)) if each.isupper())


@dataclass(frozen=True, kw_only=True)
class Options:
    """The settings of an archive, `ARCHIVE_…`, each under its own name; `settings.py` says what they mean."""

    dir: Path
    """Absolute: a relative `ARCHIVE_DIR` is below the folder of `scrapy.cfg`, and `~` is the user's home."""
    ledger: str = our_settings.ARCHIVE_LEDGER
    lease: float = our_settings.ARCHIVE_LEASE
    pages: bool = our_settings.ARCHIVE_PAGES
    min_text: int = our_settings.ARCHIVE_MIN_TEXT
    front_matter: tuple[str, ...] = tuple(our_settings.ARCHIVE_FRONT_MATTER)
    changes_days: int = our_settings.ARCHIVE_CHANGES_DAYS
    pictures: bool = our_settings.ARCHIVE_PICTURES
    pictures_url: str = our_settings.ARCHIVE_PICTURES_URL
    pictures_max_bytes: int = our_settings.ARCHIVE_PICTURES_MAX_BYTES
    pictures_backlog: int = our_settings.ARCHIVE_PICTURES_BACKLOG
    recheck_hours: tuple[timedelta, ...] = tuple(timedelta(hours=each) for each in our_settings.ARCHIVE_RECHECK_HOURS)
    retry_minutes: timedelta = timedelta(minutes=our_settings.ARCHIVE_RETRY_MINUTES)
    max_tries: int = our_settings.ARCHIVE_MAX_TRIES
    metrics: Path | None = None
    """Absolute, as `dir`; `None`: none is written."""
    progress: bool | None = our_settings.ARCHIVE_PROGRESS

    @classmethod
    def from_settings(cls, settings: BaseSettings) -> Self:
        """Raises `BadArgument` for a value that cannot be used."""
        return cls(**{field.name: _read(settings, f"ARCHIVE_{field.name.upper()}") for field in fields(cls)})


# what a setting may be, in words, and its typed value; `ValueError`, `TypeError` or `RuntimeError` for one of no use
Kind = tuple[str, Callable[[Any], Any]]


def _number(least: float, most: float = sys.float_info.max) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if not least <= float(value) <= most:
            raise ValueError
        return float(value)

    return read


def _whole(least: int) -> Kind:
    return f"a whole number of at least {least}", lambda value: int(_number(least, 2**31 - 1)(int(value)))


def _list(value: object) -> list[str]:
    return [str(each).strip() for each in BaseSettings({"": value}).getlist("")]


def _path(value: object) -> Path:
    if not str(value or "").strip():
        raise ValueError
    beginning = Path(closest_scrapy_cfg() or ".").absolute()
    return (beginning.parent if beginning.is_file() else beginning) / Path(str(value)).expanduser()


def _url(value: object) -> str:
    """An http(s) URL with a host, and without a user: Scrapy has HTTPAUTH_USER and HTTPAUTH_PASS for that."""
    text = str(value)
    parts = urlsplit(text)
    is_http = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    if re.search(r"\s", text) or "@" in parts.netloc or not is_http:
        raise ValueError
    return text


def _database(value: object) -> str:
    """A user or password has `%2F` for a slash and so on: what one program takes for its end, another one prints."""
    text = str(value or "")
    if text and not is_database(text):
        raise ValueError
    return text


def is_database(text: str) -> bool:
    """Whether it is a URL that `ARCHIVE_LEDGER` may have."""
    with suppress(ValueError):  # such as of the port
        parts = urlsplit(text)
        is_plain = text.count("@") == parts.netloc.count("@") <= 1 and not re.search(r"\s", text)
        return parts.scheme == "postgresql+psycopg" and parts.port != 0 and is_plain
    return False


def _matching(pattern: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not re.fullmatch(pattern, str(value), re.ASCII):
            raise ValueError
        return str(value)

    return read


FIELDS = ("author", "channels", "site_tags", "lastmod", "source_url")
"""What may follow the front matter of the reference format."""


def _some_fields(value: object) -> tuple[str, ...]:
    names = dict.fromkeys(filter(None, _list(value)))
    if not names.keys() <= set(FIELDS):
        raise ValueError
    return tuple(names)


QQ_URLS = ("QQ_LIST_URL", "QQ_ARTICLE_URL", "QQ_HOT_URL", "QQ_ACCOUNT_URL", "QQ_SITEMAP_URL")
_LINK_PREFIX = r"(/|https?://[^\s/?#])[^\s\x00-\x1f<>()\[\]\"\\]*"  # nothing that would end a link in Markdown
_time = _number(0, 1e6)  # minutes or hours: more is a slip, and no date can hold much more than a million hours
_SWITCH: Kind = "True or False", lambda raw: BaseSettings({"": raw}).getbool("")
_ANY_NUMBER: Kind = "a number", lambda raw: raw is None or _number(-sys.float_info.max)(raw)
_OF_SCRAPY: dict[type, Kind] = {bool: _SWITCH, int: _ANY_NUMBER, float: _ANY_NUMBER}
_OF_OURS: dict[type, Kind] = {bool: _SWITCH, int: _whole(0), float: ("a number of at least 0", _number(0))}

KINDS: dict[str, Kind] = {  # the settings with a stricter check than the type of their default
    "ARCHIVE_DIR": ("a folder", _path),
    "QQ_CHANNELS": (
        "names of channels with commas between them",
        lambda raw: _matching(r"[a-z0-9_,]+")(",".join(_list(raw))),
    ),
    **dict.fromkeys(QQ_URLS, ("a URL like https://host/path, without a user", _url)),
    "USER_AGENT": ("some text", _matching(r".*\S.*")),
    **dict.fromkeys(("CONCURRENT_REQUESTS", "CONCURRENT_REQUESTS_PER_DOMAIN", "CONCURRENT_ITEMS"), _whole(1)),
    "RETRY_HTTP_CODES": ("HTTP statuses with commas between them", lambda raw: [*map(_number(100, 599), _list(raw))]),
    "DOWNLOAD_TIMEOUT": ("a number above 0", _number(sys.float_info.min)),
    "ARCHIVE_PICTURES_URL": ("a path that begins with / or a URL", _matching(_LINK_PREFIX)),
    "ARCHIVE_PICTURES_MAX_BYTES": _whole(1),
    "ARCHIVE_RECHECK_HOURS": (
        "hours with commas between them",
        lambda raw: tuple(timedelta(hours=_time(each)) for each in _list(raw)),
    ),
    "ARCHIVE_LEDGER": ("nothing, or a URL like postgresql+psycopg://host/database", _database),
    "ARCHIVE_LEASE": ("a number of at least 1", _number(1)),
    "ARCHIVE_RETRY_MINUTES": ("a number of at least 0", lambda raw: timedelta(minutes=_time(raw))),
    "ARCHIVE_MAX_TRIES": _whole(1),
    "ARCHIVE_FRONT_MATTER": (f"some of {', '.join(FIELDS)}, with commas between them", _some_fields),
    "ARCHIVE_METRICS": ("a file, or nothing", lambda raw: _path(raw) if str(raw or "").strip() else None),
    "ARCHIVE_PROGRESS": ("None, True or False", lambda raw: None if raw in (None, "", "None") else _SWITCH[1](raw)),
    "LOG_LEVEL": ("DEBUG, INFO, WARNING, ERROR or CRITICAL", lambda raw: logging.Handler().setLevel(raw)),
}


def validate_settings(settings: BaseSettings, overridden: Collection[str] = ()) -> None:
    """Raises `BadArgument` for a value that cannot be used, or for a misspelt name of one of our settings.

    It does not matter where it was set. `overridden` are the names given with `-s`: there a misspelt name of one of
    Scrapy's settings is refused too; in a settings file it may be another program's, such as USER_AGENTS.
    """
    for name in settings:
        shown = f"-s {name}" if name in overridden else name
        if name not in _KNOWN:
            source, meant = source_of_setting(name), list[str]()
            if source in ("archive", "qq"):
                meant = get_close_matches(name.upper(), _OUR_NAMES, n=1, cutoff=0)
            elif not source and name in overridden:
                meant = get_close_matches(name.upper(), _KNOWN, n=1, cutoff=0.85)
            if meant:
                raise BadArgument(f"{shown}: no such setting, expected {meant[0]}")
        _read(settings, name, shown)


def add_settings(settings: BaseSettings, source: str, defaults: Mapping[str, Any]) -> None:
    """Adds the settings of a source. Raises `BadArgument` for a misspelt name, or a value that cannot be used."""
    settings.setdict(defaults, priority="default")
    known = _KNOWN | defaults.keys()
    for name in settings:
        if name not in known and source_of_setting(name) == source:
            raise BadArgument(f"{name}: no such setting, expected {' or '.join(defaults) or 'none of this source'}")
    for name, default in defaults.items():
        _read(settings, name, of_source=default)


def _read(settings: BaseSettings, name: str, shown: str = "", of_source: object = None) -> Any:
    ours, of_scrapy = getattr(our_settings, name, of_source), getattr(default_settings, name, None)
    kind = KINDS.get(name) or _OF_OURS.get(type(ours)) or _OF_SCRAPY.get(type(of_scrapy))
    if kind is None:
        return settings[name]
    expected, read = kind
    try:
        return read(settings[name])
    except (ValueError, TypeError, RuntimeError):  # RuntimeError: the home of a user that does not exist
        given = " ".join(str(settings[name]).split())
        raise BadArgument(f"{shown or name}={given}: expected {expected}") from None


def check_proxies(settings: BaseSettings, domains: Iterable[str]) -> None:
    """Raises `BadArgument` for a proxy that Scrapy would skip, or could not use, for these domains."""
    if not settings.getbool("HTTPPROXY_ENABLED") or all(map(proxy_bypass, domains)):
        return
    understood = HttpProxyMiddleware(settings.get("HTTPPROXY_AUTH_ENCODING")).proxies
    for scheme, usable in {"http": ("http", "https"), "https": ("http",)}.items():
        if scheme not in getproxies():
            continue
        _, url = understood.get(scheme, (None, ""))
        with suppress(ValueError):
            parts = urlsplit(url)
            if parts.scheme in usable and parts.hostname and parts.port != 0:
                continue
        # not what was given: it may have a password
        expected = "http://HOST:PORT, before HOST perhaps USER:PASSWORD@ with %XX for special characters"
        raise BadArgument(f"the proxy for {scheme} ({scheme}_proxy): expected {expected}")
