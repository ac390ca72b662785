"""Removes passwords and tokens from text before it is written or shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "***"
# parts of names; better one too many than one too few
_NAME = r"(?=[\w.-]*?(?:token|key|pass|pwd|secret|credential|auth))[\w.-]+"
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
    text = _IN_URL.sub(f"{HIDDEN}@", text)
    text = _QUOTED.sub(rf"\1{HIDDEN}", text)
    return _ASSIGNED.sub(rf"\1{HIDDEN}", text)


def command_line(words: Iterable[str]) -> str:
    """A command's words in one line, without secrets.

    >>> command_line(["scrapy", "crawl", "qq", "-a", "limit=5", "-s", "FTP_PASSWORD=open sesame", "-sMyToken=abc"])
    'scrapy crawl qq -a limit=5 -s FTP_PASSWORD=*** -sMyToken=***'
    """
    return " ".join(without_secrets(_OPTION.sub(rf"\1{HIDDEN}", word)) for word in words)
