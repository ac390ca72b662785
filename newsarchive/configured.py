"""Values that follow from the settings: the archive's folder, when something is due again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit

from scrapy.utils.conf import closest_scrapy_cfg

from newsarchive.archive.schedule import Schedule

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
