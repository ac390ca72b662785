"""Text that people read: counts in words, times, one safe line from the network, no passwords or tokens. Pure."""

import re
from collections.abc import Iterable
from datetime import datetime
from time import struct_time
from zoneinfo import ZoneInfo

SHOWN_ZONE = ZoneInfo("Asia/Shanghai")
ZONE = "Beijing time"  # the name of `SHOWN_ZONE`; its own short name, CST, has other meanings too
LONGEST = 1000  # characters of a line that a person reads

# what moves a terminal's cursor, ends a line, changes the direction of text or cannot be encoded.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def counted(number: int, noun: str) -> str:
    """A number and what is counted; of several words, the first gets the plural.

    >>> counted(1, "page in quarantine"), counted(0, "list"), counted(2, "try")
    ('1 page in quarantine', '0 lists', '2 tries')
    """
    first, *rest = noun.split(" ", 1)
    if number != 1:
        first = f"{first[:-1]}ies" if first.endswith("ry") else f"{first}s"
    return " ".join([str(number), first, *rest])


def log_clock(seconds: float | None) -> struct_time:
    """A time of the log, for `logging.Formatter.converter`: by the same clock, and with its name for `%Z`."""
    return struct_time((*datetime.fromtimestamp(seconds or 0, SHOWN_ZONE).timetuple(), ZONE, 8 * 3600))


def shown_time(time: datetime) -> str:
    """For people: by one clock, wherever they are. Programs get ISO 8601.

    >>> shown_time(datetime.fromisoformat("2026-11-03T18:30:00Z"))
    '2026-11-04 02:30:00 Beijing time'
    """
    return f"{time.astimezone(SHOWN_ZONE):%Y-%m-%d %H:%M:%S} {ZONE}"


def printable(text: str, longest: int = LONGEST) -> str:
    r"""Text from the network as one line that is safe to show and store: no control characters, limited length.

    >>> print(printable("busy\n2026-11-03 ERROR \x1b[31mforged"))
    busy 2026-11-03 ERROR \x1b[31mforged
    >>> printable("x" * 2000, 5)
    'xxxxx… (2,000 characters)'
    """
    shown = _UNPRINTABLE.sub(_visible, text[:longest])
    return shown if len(text) <= longest else f"{shown}… ({len(text):,} characters)"


def printable_lines(text: str) -> str:
    """Several lines for a terminal, each of them printable."""
    return "\n".join(map(printable, text.split("\n")))


def _visible(found: re.Match[str]) -> str:
    character = found[0]
    if character in "\t\n\x0b\x0c\r\x85\u2028\u2029":
        return " "
    return character.encode("unicode_escape").decode("ascii")


HIDDEN = "***"
# parts of names; better one too many than one too few
_NAME = r"(?=[\w.-]*?(?:token|key|pass|pwd|secret|credential|auth))[\w.-]+"
# whose password may have a slash, by mistake
_IN_DATABASE_URL = re.compile(r"(\bpostgres[\w+]{0,20}://)[^\s'\"]{0,300}@")
_IN_URL = re.compile(r"(?<=//)[^/?#\s]*@")
_ASSIGNED = re.compile(rf"""(?<![\w.-])({_NAME}=)(?:'[^']*'|"[^"]*"|[^\s&'"]+)""", re.IGNORECASE)
# as Python and JSON write settings
_QUOTED = re.compile(
    rf"""((['"]){_NAME}\2\s*:\s*)(?:b?'(?:[^'\\]|\\.)*'|b?"(?:[^"\\]|\\.)*"|[^\s,}}\]]+)""", re.IGNORECASE
)
_OPTION = re.compile(rf"\A((?:--\w+=)?{_NAME}=).+", re.IGNORECASE | re.DOTALL)


def without_secrets(text: str) -> str:
    """The text without users and passwords of URLs, and without the values whose names say that they are secret.

    >>> without_secrets("no answer from http://me:hunter2@host/list?page=1&token=abc")
    'no answer from http://***@host/list?page=1&token=***'
    >>> without_secrets("{'AWS_SECRET_ACCESS_KEY': 'abc', 'BOT_NAME': 'newsarchive'}")
    "{'AWS_SECRET_ACCESS_KEY': ***, 'BOT_NAME': 'newsarchive'}"
    """
    text = _IN_DATABASE_URL.sub(rf"\1{HIDDEN}@", text)
    text = _IN_URL.sub(f"{HIDDEN}@", text)
    text = _QUOTED.sub(rf"\1{HIDDEN}", text)
    return _ASSIGNED.sub(rf"\1{HIDDEN}", text)


def command_line(words: Iterable[str]) -> str:
    """A command's words in one line, without secrets.

    >>> command_line(["scrapy", "crawl", "qq", "-a", "limit=5", "-s", "FTP_PASSWORD=open sesame", "-sMyToken=abc"])
    'scrapy crawl qq -a limit=5 -s FTP_PASSWORD=*** -sMyToken=***'
    """
    return " ".join(without_secrets(_OPTION.sub(rf"\1{HIDDEN}", word)) for word in words)
