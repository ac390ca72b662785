"""A parser for robots.txt files of any size and content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scrapy.robotstxt import ProtegoRobotParser, RobotParser, decode_robotstxt
from scrapy.utils.python import to_unicode

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

LARGEST = 500 * 1024
"""Bytes that are read, as RFC 9309 requires; the rest is ignored."""

_AGENT = frozenset({"user-agent", "useragent", "user agent"})
_OF_NO_GROUP = frozenset({"sitemap", "sitemaps", "site-map", "host"})


class Robots(RobotParser):
    """Protego, given only the rules for one user agent.

    It stores each rule once for each agent of its group: a file of 500 KiB can have 300 million of these.
    """

    def __init__(self, body: bytes) -> None:
        if len(body) > LARGEST:  # half a rule would be another rule
            end = max(body.rfind(b"\n", 0, LARGEST), body.rfind(b"\r", 0, LARGEST))
            body = body[: end + 1]
        self._groups = list(_groups(decode_robotstxt(body, None)))
        self._parsers: dict[str, ProtegoRobotParser] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler, robotstxt_body: bytes) -> Self:  # noqa: ARG003
        return cls(robotstxt_body)

    def allowed(self, url: str | bytes, user_agent: str | bytes) -> bool:
        return self._parser(to_unicode(user_agent)).allowed(url, "*")

    def crawl_delay(self, user_agent: str | bytes) -> float | None:
        return self._parser(to_unicode(user_agent)).crawl_delay("*")

    def _parser(self, user_agent: str) -> ProtegoRobotParser:
        if user_agent not in self._parsers:
            token = self._closest(user_agent.lower())
            rules = [rule for agents, rules in self._groups if token in agents for rule in rules]
            text = "\n".join(["User-agent: *", *rules])
            self._parsers[user_agent] = ProtegoRobotParser(text.encode(), None)
        return self._parsers[user_agent]

    def _closest(self, user_agent: str) -> str:
        """The longest name in the file that is a word of the user agent, or begins one; `*` when none is."""
        begins = [at for at, before in enumerate(f" {user_agent}"[:-1]) if not _is_of_word(before)]
        words = tuple(user_agent[at:] for at in begins)
        names = {name for agents, _ in self._groups for name in agents if name != "*"}
        fitting = (name for name in names if any(word.startswith(name) for word in words))
        return max(fitting, key=lambda name: (len(name), name), default="*")


def _is_of_word(letter: str) -> bool:
    return letter.isalnum() or letter in "-_"


def _groups(text: str) -> list[tuple[set[str], list[str]]]:
    """Names of agents in lower case, and the lines that follow them."""
    groups: list[tuple[set[str], list[str]]] = []
    for line in text.splitlines():
        field, value = _field(line.partition("#")[0].strip())
        if field in _AGENT:
            if not groups or groups[-1][1]:
                groups.append((set(), []))
            name = value.lower()
            groups[-1][0].add(name if name == "*" else name.replace("*", ""))
        elif field and field not in _OF_NO_GROUP and groups:
            groups[-1][1].append(line)
    for agents, _ in groups:
        agents.discard("")
    return groups


def _field(line: str) -> tuple[str, str]:
    """The field and the value of a line. Some write the name of an agent without the colon."""
    field, colon, value = (part.strip() for part in line.partition(":"))
    if colon and field.lower() in _AGENT:
        return field.lower(), value
    words = line.split()
    for number in (1, 2):
        if (name := " ".join(words[:number]).lower()) in _AGENT:
            return name, " ".join(words[number:])
    return field.lower(), value
