"""Our settings: what each may be, checked before anything is opened, and the values that follow from them."""

from __future__ import annotations

import logging
import math
import re
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit

from scrapy.settings import default_settings
from scrapy.utils.conf import closest_scrapy_cfg

from newsarchive import settings as our_settings
from newsarchive.archive.schedule import Schedule
from newsarchive.errors import BadArgument

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


def archive_folder(settings: BaseSettings) -> Path:
    """ARCHIVE_DIR; relative to the folder of `scrapy.cfg`; `~` is the user's home."""
    beginning = Path(closest_scrapy_cfg() or ".").absolute()
    return (beginning.parent if beginning.is_file() else beginning) / Path(settings["ARCHIVE_DIR"]).expanduser()


def stream_for_people(settings: BaseSettings) -> TextIO:
    """Where a summary is printed: on standard output, unless that is what `-o` exports to."""
    return sys.stderr if any(map(is_standard_output, settings.getdict("FEEDS"))) else sys.stdout


def is_standard_output(feed: object) -> bool:
    """Whether a key of FEEDS means standard output, as `-o -:jsonl` does."""
    return urlsplit(str(feed)).scheme == "stdout"


def recheck_ages(settings: BaseSettings) -> list[timedelta]:
    """ARCHIVE_RECHECK_HOURS: how old an article is when it is looked at again."""
    return [timedelta(hours=float(hours)) for hours in settings.getlist("ARCHIVE_RECHECK_HOURS")]


def schedule(settings: BaseSettings, now: Callable[[], datetime]) -> Schedule:
    """ARCHIVE_RECHECK_HOURS, ARCHIVE_MAX_TRIES and ARCHIVE_RETRY_MINUTES."""
    return Schedule(
        now=now,
        ages=recheck_ages(settings),
        max_tries=settings.getint("ARCHIVE_MAX_TRIES"),
        first_delay=timedelta(minutes=settings.getfloat("ARCHIVE_RETRY_MINUTES")),
    )


logger = logging.getLogger(__name__)

_LONGEST = 1e6  # minutes or hours, a hundred years of the latter: more is a slip, and no date can hold much more
_OURS = ("ARCHIVE_", "QQ_")
_OUR_NAMES = [each for each in dir(our_settings) if each.isupper()]
_KNOWN = frozenset(each for each in (*_OUR_NAMES, *dir(default_settings)) if each.isupper())
_CHANNEL = re.compile(r"[a-z0-9_]+", re.ASCII)


@dataclass(frozen=True)
class Kind:
    """What is accepted, in words and as a test."""

    expected: str
    accepts: Callable[[BaseSettings, str], bool]
    """Of the settings and a name in them; `ValueError` and `TypeError` mean no."""


def _whole(least: int) -> Kind:
    return Kind(
        f"a whole number of at least {least}", lambda settings, name: least <= settings.getint(name, least - 1) < 2**31
    )


def _is_url(text: object) -> bool:
    """Whether it is an http(s) URL with a host.

    >>> _is_url("https://i.news.qq.com/list"), _is_url("i.news.qq.com/list"), _is_url("http:///list")
    (True, False, False)
    """
    if not isinstance(text, str) or re.search(r"\s", text):
        return False
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0


def _is_level(settings: BaseSettings, name: str) -> bool:
    logging.Handler().setLevel(settings[name])
    return True


_NOT_NEGATIVE = Kind("a number of at least 0", lambda settings, name: 0 <= settings.getfloat(name, -1) < math.inf)
_POSITIVE = Kind("a number above 0", lambda settings, name: 0 < settings.getfloat(name) < math.inf)
_TEXT = Kind("some text", lambda settings, name: bool(str(settings[name] or "").strip()))
_URL = Kind("a URL like https://host/path", lambda settings, name: _is_url(settings[name]))

KINDS: dict[str, Kind] = {
    "ARCHIVE_DIR": Kind(
        "a folder", lambda settings, name: _TEXT.accepts(settings, name) and bool(Path(settings[name]).expanduser())
    ),
    "QQ_CHANNELS": Kind(
        "names of channels with commas between them",
        lambda settings, name: (
            bool(settings.getlist(name))
            and all(_CHANNEL.fullmatch(str(each).strip()) for each in settings.getlist(name))
        ),
    ),
    **dict.fromkeys(("QQ_LIST_URL", "QQ_ARTICLE_URL", "QQ_HOT_URL", "QQ_ACCOUNT_URL", "QQ_SITEMAP_URL"), _URL),
    "USER_AGENT": _TEXT,
    **dict.fromkeys(("DOWNLOAD_DELAY", "AUTOTHROTTLE_START_DELAY", "AUTOTHROTTLE_MAX_DELAY"), _NOT_NEGATIVE),
    **dict.fromkeys(("CONCURRENT_REQUESTS", "CONCURRENT_REQUESTS_PER_DOMAIN", "CONCURRENT_ITEMS"), _whole(1)),
    "ARCHIVE_BACKOFF": _NOT_NEGATIVE,
    "RETRY_TIMES": _whole(0),
    "RETRY_HTTP_CODES": Kind(
        "HTTP statuses with commas between them",
        lambda settings, name: all(100 <= int(each) <= 599 for each in settings.getlist(name)),
    ),
    "DOWNLOAD_TIMEOUT": _POSITIVE,
    "DOWNLOAD_MAXSIZE": _whole(0),
    "ARCHIVE_MIN_TEXT": _whole(0),
    "ARCHIVE_PICTURES_URL": Kind(
        "a path that begins with / or a URL",
        lambda settings, name: (
            not re.search(r"[\s\x00-\x1f<>()\[\]\"\\]", str(settings[name]))  # would end a link in Markdown
            and (str(settings[name]).startswith("/") or _is_url(settings[name]))
        ),
    ),
    "ARCHIVE_PICTURES_MAX_BYTES": _whole(1),
    "ARCHIVE_PICTURES_BACKLOG": _whole(0),
    "ARCHIVE_RECHECK_HOURS": Kind(
        "hours with commas between them",
        lambda settings, name: all(0 <= float(each) <= _LONGEST for each in settings.getlist(name)),
    ),
    "ARCHIVE_RETRY_MINUTES": Kind(
        "a number of at least 0", lambda settings, name: 0 <= settings.getfloat(name, -1) <= _LONGEST
    ),
    "ARCHIVE_MAX_TRIES": _whole(1),
    "ARCHIVE_PROGRESS": Kind(
        "None, True or False",
        lambda settings, name: settings[name] in (None, "", "None") or settings.getbool(name) in (True, False),
    ),
    "LOG_LEVEL": Kind("DEBUG, INFO, WARNING, ERROR or CRITICAL", _is_level),
}
"""The settings with a stricter check than the type of their default."""

_OF_TYPE = {
    bool: Kind("True or False", lambda settings, name: settings.getbool(name) in (True, False)),
    int: Kind("a number", lambda settings, name: settings[name] is None or math.isfinite(settings.getfloat(name))),
    float: Kind("a number", lambda settings, name: settings[name] is None or math.isfinite(settings.getfloat(name))),
}


def validate_settings(settings: BaseSettings, options: Collection[str] = ()) -> None:
    """Raises `BadArgument` for a value that cannot be used, or for a misspelt name of one of our settings.

    It does not matter where it was set. `options` are the names given with `-s`: there a misspelt name of one of
    Scrapy's settings is refused too.
    """
    for name in settings:
        shown = f"-s {name}" if name in options else name
        if (name in options or name.startswith(_OURS)) and (meant := misspelt(name)):
            raise BadArgument(f"{shown}: no such setting, expected {' or '.join(meant)}")
        kind = _kind(name)
        try:
            fits = kind is None or kind.accepts(settings, name)
        except (ValueError, TypeError, RuntimeError):  # RuntimeError: the home of a user that does not exist
            fits = False
        if kind and not fits:
            raise BadArgument(f"{shown}={' '.join(str(settings[name]).split())}: expected {kind.expected}")


def warn_of_slips(settings: BaseSettings) -> None:
    """Logs names in a settings file that nothing here reads and that resemble one of Scrapy's.

    They are not refused: they may be another program's, such as USER_AGENTS.
    """
    for name in settings:
        if meant := misspelt(name):
            logger.warning("%s: Scrapy has no such setting, %s may be meant", name, meant[0])


def _kind(name: str) -> Kind | None:
    default = getattr(our_settings, name, getattr(default_settings, name, None))
    return KINDS.get(name) or _OF_TYPE.get(type(default))


def misspelt(name: str) -> list[str]:
    """The settings that an unknown name may mean; `[]` for a known name, or one that another program may read.

    >>> misspelt("ARCHIVE_DIRR"), misspelt("DOWNLOAD_DELY"), misspelt("USER_AGENT"), misspelt("MY_EXTENSION_ENABLED")
    (['ARCHIVE_DIR'], ['DOWNLOAD_DELAY'], [], [])
    """
    if name in _KNOWN:
        return []
    if name.upper().startswith(_OURS):
        alike = [each for each in _OUR_NAMES if each.startswith(name.upper().partition("_")[0])]
        return get_close_matches(name.upper(), _OUR_NAMES, n=1) or alike
    return get_close_matches(name.upper(), _KNOWN, n=1, cutoff=0.85)
