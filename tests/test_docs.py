"""What is documented exists, and what exists is documented.

That every stat and alarm is documented is checked with each crawl of the other tests: see `documented.py`.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from scrapy.commands import ScrapyCommand
from scrapy.settings import Settings, default_settings
from scrapy.utils.misc import walk_modules_iter

import newsarchive
from demo.crawl import PROJECT
from newsarchive import settings
from newsarchive.health.status import MEANINGS
from newsarchive.spiders.qq import QQSpider
from tests import documented
from tests.documented import EVERYTHING, PAGES, README, names

OUR_SETTINGS = {name for name in vars(settings) if name.isupper()}


def code(page: str) -> str:
    """What is set as code: blocks and words in back-ticks."""
    blocks = re.findall(r"^```.*?^```", page, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(blocks + [f"{word} " for word in re.findall(r"`[^`]+`", prose)])


# settings


def test_every_setting_is_in_a_table_and_every_one_in_a_table_is_set() -> None:
    assert names(README, "Settings") | names(PAGES["settings.md"], "The other settings") == OUR_SETTINGS


def test_settings_that_are_named_anywhere_exist() -> None:
    assert set(re.findall(r"\b(?:ARCHIVE|QQ)_[A-Z_]+\b", EVERYTHING)) <= OUR_SETTINGS
    assert {name for name in OUR_SETTINGS if not name.startswith(("ARCHIVE_", "QQ_"))} <= set(dir(default_settings))


# spider arguments


def test_every_spider_argument_is_in_the_table_and_every_one_in_the_table_exists() -> None:
    assert names(README, "Spider arguments") - {"QQ_CHANNELS"} == QQSpider.arguments.keys()


def test_spider_arguments_that_are_used_anywhere_exist() -> None:
    used = set(re.findall(r"-a ([a-z]+)=", EVERYTHING))
    assert used
    assert used <= QQSpider.arguments.keys()


# commands


def commands(package: str) -> dict[str, type[ScrapyCommand]]:
    """The Scrapy commands of a package by their name."""
    return {
        module.__name__.rpartition(".")[2]: each
        for module in walk_modules_iter(package)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, ScrapyCommand) and each.__module__ == module.__name__
    }


OURS = commands("newsarchive.commands")
SCRAPYS = commands("scrapy.commands")


def options(command: ScrapyCommand) -> set[str]:
    command.settings = Settings()
    parser = argparse.ArgumentParser(conflict_handler="resolve")
    command.add_options(parser)
    return {word for word in parser.format_help().replace("=", " ").split() if word.startswith("--")}


def test_every_command_is_in_the_table_and_every_one_in_the_table_exists() -> None:
    in_table = {" ".join(name.split()[:2]) for name in names(README, "Commands") if not name.startswith("-")}
    assert in_table == {f"scrapy {name}" for name in OURS} | {"newsarchive init"}


@pytest.mark.parametrize("name", OURS)
def test_every_option_of_a_command_is_documented(name: str) -> None:
    of_scrapy = options(SCRAPYS["crawl"]())
    for option in options(OURS[name]()) - of_scrapy:
        named = re.search(rf"`{option}\b|scrapy {name} [^\n]*{option}\b", EVERYTHING)
        assert named, f"{option} of scrapy {name} is not documented"


def test_commands_that_are_used_anywhere_exist() -> None:
    used = set(re.findall(r"(?:^|[`/ ])(?<!from )scrapy ([a-z]+)(?=[ `\n,])", code(EVERYTHING)))
    assert used >= {"crawl", "status", "retry"}
    assert used <= {*OURS, *SCRAPYS}


# exit codes


@pytest.mark.parametrize(
    ("page", "heading"), [(README, "Exit codes"), (PAGES["schedule.md"], "How do I run it on a schedule?")]
)
def test_exit_codes_are_those_of_the_program(page: str, heading: str) -> None:
    assert names(page, heading) == {str(int(code)) for code in MEANINGS}


# stats and alarms


@pytest.mark.parametrize("name", sorted(documented.counts() | documented.alarms()))
def test_what_is_documented_of_a_run_can_occur(name: str) -> None:
    """The last part of its name ends a string of the program, wherever that is."""
    constant = re.escape(name.rpartition("/")[2].partition("…")[0] or name.partition("…")[0])
    sources = "\n".join(path.read_text("utf-8") for path in Path(newsarchive.__file__).parent.rglob("*.py"))
    assert re.search(rf"\b{constant}[\"'{{]", sources), f"nothing counts {name}"


# links


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("path", ["README.md", "output/README.md", *(f"docs/{name}" for name in PAGES)])
def test_links_lead_somewhere(path: str) -> None:
    file = PROJECT / path
    prose = re.sub(r"^```.*?^```", "", file.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if link.startswith("http"):
            continue
        place, _, section = unquote(link).partition("#")
        target = (file.parent / place).resolve() if place else file
        assert target.exists(), f"{path}: {link}"
        if section:
            headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
            assert section in map(anchor, headings), f"{path}: {link}"


def test_every_page_is_linked_from_the_readme() -> None:
    assert {name for name in PAGES if f"(docs/{name})" not in README} == set()
