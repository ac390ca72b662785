"""Scrapy's log lines about items, without the item: a page is 270 kB of HTML."""

# ruff: noqa: ARG002 -- Scrapy calls these with all arguments

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from scrapy import Spider
from scrapy.http import Response
from scrapy.logformatter import LogFormatter, LogFormatterResult
from twisted.python.failure import Failure

from newsarchive.items import Article, Page
from newsarchive.redaction import without_secrets
from newsarchive.wording import printable

logger = logging.getLogger(__name__)
_FORMATTER = logging.Formatter()
_LONGEST = 100_000  # characters of several lines together
_MOST_LINES = 200


def tell_stop(record: logging.LogRecord) -> bool:
    """A filter for Scrapy's logger: the first Ctrl-C or SIGTERM is confirmed at every log level."""
    if not str(record.msg).startswith("Received %(signame)s, shutting down"):
        return True
    signal = record.args.get("signame") if isinstance(record.args, Mapping) else ""
    logger.warning("%s: stopping after what is on its way; once more stops by force", signal)
    return False


def make_safe(record: logging.LogRecord) -> bool:
    """A filter for log handlers, also for tracebacks: no secrets, control characters or endless text.

    A message is one line, but for Scrapy's own lists of settings and stats. Further lines are indented, so that none
    looks like one of the log.
    """
    is_list = record.levelno <= logging.INFO and record.name.startswith("scrapy.") and "\n" in str(record.msg)
    message = record.getMessage()
    record.msg, record.args = without_secrets(_lines(message) if is_list else printable(message)), ()
    if record.exc_info:
        trace = _lines(_FORMATTER.formatException(record.exc_info))
        record.exc_text = without_secrets(f"    {trace}")
    return True


def _lines(text: str) -> str:
    lines = text[:_LONGEST].split("\n")
    if len(lines) > _MOST_LINES:  # the first and the last lines of a traceback say most
        half = _MOST_LINES // 2
        lines = [*lines[:half], f"({len(lines) - _MOST_LINES} more lines)", *lines[-half:]]
    return "\n    ".join(map(printable, lines))


class LogLines(LogFormatter):
    """One sentence with the URL in it."""

    def scraped(self, item: Any, response: Response | Failure | None, spider: Spider) -> LogFormatterResult:
        if not isinstance(item, Article):  # such as with `scrapy runspider` in the project's folder
            return super().scraped(item, response, spider)
        return {"level": logging.DEBUG, "msg": "archived %(url)s", "args": {"url": item.url}}

    def dropped(
        self, item: Any, exception: BaseException, response: Response | Failure | None, spider: Spider
    ) -> LogFormatterResult:
        """The drop's own message, which names the URL."""
        level = getattr(exception, "log_level", None) or "WARNING"
        return {
            "level": logging.getLevelNamesMapping()[level],
            "msg": "%(kind)s: %(reason)s",
            "args": {"kind": type(exception).__name__.lower(), "reason": exception},
        }

    def item_error(
        self, item: Any, exception: BaseException, response: Response | Failure | None, spider: Spider
    ) -> LogFormatterResult:
        if not isinstance(item, Page | Article):
            return super().item_error(item, exception, response, spider)
        return {"level": logging.ERROR, "msg": "internal error while processing %(url)s", "args": {"url": item.url}}
