"""What is documented exists, and what exists is documented.

That every stat and alarm is documented is checked with each crawl of the other tests: see `documented.py`.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from parsel import Selector
from scrapy.cmdline import ScrapyArgumentParser
from scrapy.commands import ScrapyCommand
from scrapy.settings import Settings, default_settings

import newsarchive
from demo.crawl import PROJECT
from newsarchive import settings
from newsarchive.__main__ import commands, own_parser
from newsarchive.health.status import MEANINGS
from newsarchive.spiders.base import read_arguments
from newsarchive.spiders.qq import QQSpider
from tests import documented
from tests.documented import EVERYTHING, PAGES, README, names

COMMAND_LINE = PAGES["command-line.md"]
OUR_SETTINGS = {name for name in vars(settings) if name.isupper()}


def code(page: str) -> str:
    """What is set as code: blocks and words in back-ticks."""
    blocks = re.findall(r"^```.*?^```", page, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(blocks + [f"{word} " for word in re.findall(r"`[^`]+`", prose)])


# settings


def test_every_setting_is_in_a_table_and_every_one_in_a_table_is_set() -> None:
    page = PAGES["settings.md"]
    assert names(page, "Settings to change") | names(page, "Settings to leave alone") == OUR_SETTINGS


def test_settings_that_are_named_anywhere_exist() -> None:
    assert set(re.findall(r"\b(?:ARCHIVE|QQ)_[A-Z_]+\b", EVERYTHING)) <= OUR_SETTINGS
    assert {name for name in OUR_SETTINGS if not name.startswith(("ARCHIVE_", "QQ_"))} <= set(dir(default_settings))


# spider arguments


def test_every_spider_argument_is_in_the_table_and_every_one_in_the_table_exists() -> None:
    assert names(COMMAND_LINE, "Spider arguments") - {"QQ_CHANNELS"} == QQSpider.arguments.keys()


def test_spider_arguments_that_are_used_anywhere_exist() -> None:
    used = set(re.findall(r"-a ([a-z]+)=", EVERYTHING))
    assert used
    assert used <= QQSpider.arguments.keys()


# commands


OURS = commands("newsarchive.commands")
SCRAPYS = commands("scrapy.commands")


def options(command: ScrapyCommand) -> set[str]:
    command.settings = Settings()
    parser = argparse.ArgumentParser(conflict_handler="resolve")
    command.add_options(parser)
    return {word for word in parser.format_help().replace("=", " ").split() if word.startswith("--")}


def test_every_command_is_in_the_table_and_every_one_in_the_table_exists() -> None:
    in_table = {" ".join(name.split()[:2]) for name in names(COMMAND_LINE, "Commands") if not name.startswith("-")}
    of_newsarchive = {f"newsarchive {name}" for name in ("init", "completion", "man")}
    assert in_table == {f"scrapy {name}" for name in OURS} | of_newsarchive


@pytest.mark.parametrize("name", OURS)
def test_every_option_of_a_command_is_documented(name: str) -> None:
    of_scrapy = options(SCRAPYS["crawl"])
    for option in options(OURS[name]) - of_scrapy:
        named = re.search(rf"`{option}\b|scrapy {name} [^\n]*{option}\b", EVERYTHING)
        assert named, f"{option} of scrapy {name} is not documented"


def program_calls() -> dict[str, list[str]]:
    """The calls of `scrapy` and `newsarchive` in blocks of shell, without comments: text → words."""
    calls = {}
    for block in re.findall(r"^```(?:sh|cron)\n(.*?)^```", EVERYTHING, re.MULTILINE | re.DOTALL):
        for line in re.findall(r"^.*\b(?:scrapy|newsarchive) .*$", block.replace("\\\n", " "), re.MULTILINE):
            words = shlex.shlex(line, posix=True, punctuation_chars=True)
            words.whitespace_split = True
            for is_operator, found in itertools.groupby(words, lambda word: set(word) <= set("();<>|&")):
                command = list(found)
                command[0] = command[0].rpartition("/")[2]
                if not is_operator and command[0] in ("scrapy", "newsarchive"):
                    calls[" ".join(command)] = command
    return calls


@pytest.mark.parametrize("text", program_calls())
def test_command_lines_are_understood(text: str) -> None:
    program, name, *words = program_calls()[text]
    if program == "newsarchive":
        own_parser().parse_args([name, *words])  # ends the process if it does not know them
        return
    command = {**SCRAPYS, **OURS}[name]
    command.settings = Settings()
    parser = ScrapyArgumentParser(conflict_handler="resolve")
    command.add_options(parser)
    options, others = parser.parse_known_args(words)
    assert not [word for word in others if word.startswith("-")], "no such option"
    assert {setting.partition("=")[0] for setting in options.set} <= OUR_SETTINGS | set(dir(default_settings))
    if name == "crawl" and others == ["qq"]:
        arguments = dict(argument.split("=", 1) for argument in options.spargs)
        arguments.pop("replay", None)  # a place, which need not exist here
        read_arguments(arguments, QQSpider.arguments)


def test_commands_that_are_named_anywhere_exist() -> None:
    named = set(re.findall(r"(?:^|[`/ ])(?<!from )scrapy ([a-z]+)(?=[ `\n,])", code(EVERYTHING)))
    assert named >= {"crawl", "status", "retry"}
    assert named <= {*OURS, *SCRAPYS}


def test_targets_of_make_and_modules_that_are_run_exist() -> None:
    targets = set(re.findall(r"(?:^|[`;&|]) *make ([a-z-]+)", code(EVERYTHING), re.MULTILINE))
    assert targets >= {"demo", "test"}
    assert targets <= set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE))
    modules = re.findall(r"python3? -m ((?:demo|benchmarks|newsarchive)[\w.]*)", code(EVERYTHING))
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


def test_files_of_the_project_that_are_named_exist() -> None:
    """The second source is an example: its files are on its page only."""
    pages = [page for name, page in PAGES.items() if name != "second-source.md"]
    named = set(re.findall(r"`((?:deploy|docs|newsarchive|tests)/[\w./-]+)`", "\n".join([README, *pages])))
    missing = {name for name in named if not (PROJECT / name).exists()}
    assert missing == {"tests/pages/qq/F6/new_layout/page.html"}, "which the page has made"


# exit codes


def test_exit_codes_are_those_of_the_program() -> None:
    assert names(COMMAND_LINE, "Exit codes") == {str(int(code)) for code in MEANINGS}


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


@pytest.mark.parametrize(
    "path",
    [
        *("README.md", "README.zh-CN.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "output/README.md"),
        *(f"{folder}/{name}" for folder in ("docs", "docs/zh") for name in PAGES),
    ],
)
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


def test_the_list_of_pages_has_each_page() -> None:
    listed = re.findall(r"^    - \[.+\]\((.+)\)$", PAGES["README.md"], re.MULTILINE)
    assert sorted(listed) == sorted(PAGES.keys() - {"README.md"})


# the two languages


def same_in_both(page: str) -> dict[str, list[Any]]:
    """What a translation keeps: levels of headings, code without comments, names in tables, words in back-ticks."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| (.*?) \|", prose, re.MULTILINE)
    return {
        "headings": [len(marks) for marks in re.findall(r"^(#+) ", prose, re.MULTILINE)],
        "code": [(kind, re.sub(r"(^|\s+)#.*$", "", text, flags=re.MULTILINE).split()) for kind, text in blocks],
        "tables": [re.findall(r"`[^`]+`", cell) for cell in rows],
        "words": sorted({" ".join(word.split()) for word in re.findall(r"`([^`]+)`", prose)}),
    }


TRANSLATIONS = {PROJECT / "README.md": PROJECT / "README.zh-CN.md"} | {
    PROJECT / "docs" / name: PROJECT / "docs" / "zh" / name for name in PAGES
}


@pytest.mark.parametrize("english", TRANSLATIONS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_both_languages_have_the_same_headings_commands_settings_and_exit_codes(english: Path) -> None:
    chinese = same_in_both(TRANSLATIONS[english].read_text("utf-8"))
    for kind, wanted in same_in_both(english.read_text("utf-8")).items():
        assert chinese[kind] == wanted, kind


def test_each_translation_is_of_a_page() -> None:
    assert {path.name for path in (PROJECT / "docs" / "zh").glob("*.md")} == PAGES.keys()


# the book


@pytest.mark.slow
def test_the_book_loads_nothing_from_other_hosts_and_shows_its_pictures(tmp_path: Path) -> None:
    if importlib.util.find_spec("material") is None:
        pytest.skip("mkdocs-material is not installed: `make docs` installs it")
    for config, folder in {"mkdocs.yml": tmp_path, "mkdocs.zh.yml": tmp_path / "zh"}.items():
        line = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(PROJECT / "book" / config)]
        line += ["--site-dir", str(folder)]
        built = subprocess.run(line, capture_output=True, text=True, check=False, timeout=300)
        assert built.returncode == 0, built.stderr
    pages = sorted(tmp_path.rglob("*.html"))
    assert len(pages) > 2 * len(PAGES)
    for page in pages:
        root = Selector(page.read_text("utf-8"))
        loaded = root.css("script::attr(src), img::attr(src), link[rel=stylesheet]::attr(href)").getall()
        assert [link for link in loaded if urlsplit(link).netloc] == []
        images = root.css("article img::attr(src)").getall()
        others = root.css("a[hreflang]::attr(href)").getall()
        assert [link for link in images + others if not (page.parent / link).exists()] == [], page
    words = json.loads((tmp_path / "zh" / "search" / "search_index.json").read_text("utf-8"))["docs"]
    assert any("\u200b" in entry["text"] for entry in words), "jieba did not separate the Chinese words"
