"""What is documented exists, and what exists is documented: read from the code, not from a list."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from scrapy.commands import ScrapyCommand
from scrapy.settings import default_settings
from scrapy.utils.misc import walk_modules_iter

import newsarchive
from demo.crawl import PROJECT
from newsarchive.health.status import MEANINGS
from newsarchive.spiders.qq import QQSpider

PACKAGE = Path(newsarchive.__file__).parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted((PROJECT / "docs").glob("*.md"))}
EVERYTHING = "\n".join([README, *PAGES.values()])
RUN = PAGES["reading-a-run.md"]


OTHER_SOURCES = {path.parent.name for path in PACKAGE.glob("*/pages.py")} - {"qq"}
"""What they count and log of their own is theirs to explain."""


def modules() -> list[Path]:
    of_others = [PACKAGE / source for source in OTHER_SOURCES]
    spiders = [PACKAGE / "spiders" / f"{source}.py" for source in OTHER_SOURCES]
    return [it for it in sorted(PACKAGE.rglob("*.py")) if it not in spiders and it.parent not in of_others]


def calls(*paths: Path) -> Iterator[ast.Call]:
    for path in paths or modules():
        yield from (it for it in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(it, ast.Call))


def method(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def template(node: ast.expr) -> str | None:
    """A text as the documentation writes it: `…` for what differs."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%\(\w+\)s|%[sdr]", "…", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(it.value) if isinstance(it, ast.Constant) else "…" for it in node.values)
    return None


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its first two lines."""
    section = re.split(r"^#+ ", page.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def names(rows: list[list[str]]) -> set[str]:
    """What stands in back-ticks in the first cells."""
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row[0])}


def code(page: str) -> str:
    """What is set as code: blocks and words in back-ticks."""
    blocks = re.findall(r"^```.*?^```", page, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(blocks + [f"{word} " for word in re.findall(r"`[^`]+`", prose)])


# settings


def our_settings() -> set[str]:
    tree = ast.parse((PACKAGE / "settings.py").read_text("utf-8"))
    return {
        target.id
        for it in tree.body
        if isinstance(it, ast.Assign)
        for target in it.targets
        if isinstance(target, ast.Name)
    }


def test_every_setting_is_in_a_table_and_every_one_in_a_table_is_set() -> None:
    documented = names(table(README, "Settings")) | names(table(PAGES["settings.md"], "The other settings"))
    assert documented == our_settings()


def test_settings_that_are_named_anywhere_exist() -> None:
    named = set(re.findall(r"\b(?:ARCHIVE|QQ)_[A-Z_]+\b", EVERYTHING))
    assert named <= our_settings()
    assert {name for name in our_settings() if not name.startswith(("ARCHIVE_", "QQ_"))} <= set(dir(default_settings))


# spider arguments


def test_every_spider_argument_is_in_the_table_and_every_one_in_the_table_exists() -> None:
    assert names(table(README, "Spider arguments")) - {"QQ_CHANNELS"} == QQSpider.arguments


def test_spider_arguments_that_are_used_anywhere_exist() -> None:
    used = set(re.findall(r"-a ([a-z]+)=", EVERYTHING))
    assert used
    assert used <= QQSpider.arguments


# commands


SCRAPYS_COMMANDS = list(walk_modules_iter("scrapy.commands"))


def our_commands() -> dict[str, str]:
    """Name → source of each Scrapy command of ours."""
    found = {}
    for module in walk_modules_iter("newsarchive.commands"):
        for each in vars(module).values():
            if isinstance(each, type) and issubclass(each, ScrapyCommand) and each.__module__ == module.__name__:
                found[module.__name__.rpartition(".")[2]] = Path(str(module.__file__)).read_text("utf-8")
    return found


def test_every_command_is_in_the_table_and_every_one_in_the_table_exists() -> None:
    documented = {" ".join(name.split()[:2]) for name in names(table(README, "Commands")) if not name.startswith("-")}
    assert documented == {f"scrapy {name}" for name in our_commands()} | {"newsarchive init"}


def test_every_option_of_a_command_is_documented() -> None:
    for name, source in our_commands().items():
        for option in re.findall(r'add_argument\(\s*"(--[a-z-]+)"', source):
            named = re.search(rf"`{option}\b|scrapy {name} [^\n]*{option}\b", EVERYTHING)
            assert named, f"{option} of scrapy {name} is not documented"


def test_commands_that_are_used_anywhere_exist() -> None:
    used = set(re.findall(r"(?:^|[`/ ])(?<!from )scrapy ([a-z]+)(?=[ `\n,])", code(EVERYTHING)))
    assert used >= {"crawl", "status", "retry"}
    assert used <= set(our_commands()) | {module.__name__.rpartition(".")[2] for module in SCRAPYS_COMMANDS}


# exit codes


@pytest.mark.parametrize(
    ("page", "heading"), [("README", "Exit codes"), ("schedule.md", "How do I run it on a schedule?")]
)
def test_exit_codes_are_those_of_the_program(page: str, heading: str) -> None:
    rows = table(README if page == "README" else PAGES[page], heading)
    assert names(rows) == {str(code) for code in MEANINGS}


# stats, alarms and log lines


def counted() -> set[str]:
    """Every stat of ours; `…` for what differs."""
    found = set()
    for call in calls():
        if method(call) == "count" and call.args and (name := template(call.args[0])) and "/" in name:
            found.add(f"archive/{name}".replace("archive/archive/", "archive/"))
        elif method(call) == "inc_value" and (name := template(call.args[0])) and name != "archive/…":
            found.add(name)
    return found | {f"archive/{name}" for name in traits()}


def traits() -> set[str]:
    """Stats of a new article, which the function of that name yields."""
    tree = ast.parse((PACKAGE / "health" / "counts.py").read_text("utf-8"))
    (function,) = (it for it in tree.body if isinstance(it, ast.FunctionDef) and it.name == "traits")
    yields = (it.value for it in ast.walk(function) if isinstance(it, ast.Yield) and it.value)
    return {name for value in yields if (name := template(value))}


def test_every_stat_is_documented_and_every_documented_one_is_counted() -> None:
    documented = names(table(RUN, "Stats"))
    patterns = [re.escape(name).replace("…", ".+") for name in counted()]
    for name in documented:
        assert any(re.fullmatch(pattern, name) for pattern in patterns), f"{name} is counted nowhere"
    for name, pattern in zip(counted(), patterns, strict=True):
        assert any(re.fullmatch(pattern, it) for it in documented), f"{name} is not documented"


def test_every_other_count_is_documented_and_every_documented_one_is_made() -> None:
    made = set(re.findall(r'\bcounts\["([^"]+)"\] =', (PACKAGE / "extensions" / "run.py").read_text("utf-8")))
    made |= {"key/…", "failing/…", "same/…", "length/median"}
    assert {row[0].strip("`") for row in table(RUN, "Beside the stats")} == made


def alarms() -> set[str]:
    health = PACKAGE / "health" / "alarms.py"
    named = {
        template(keyword.value)
        for call in calls(health)
        if isinstance(call.func, ast.Name) and call.func.id == "Alarm"
        for keyword in call.keywords
        if keyword.arg == "name"
    }
    shares = {
        template(it.elts[0])
        for it in ast.walk(ast.parse(health.read_text("utf-8")))
        if isinstance(it, ast.Tuple) and len(it.elts) == 5
    }
    return {name for name in named | shares if name} | {"family …"}


def test_every_alarm_says_where_to_begin() -> None:
    assert names(table(PAGES["site-changed.md"], "1. See what changed")) - {"-a sitemap=1 -a since=…"} == alarms()


def logged() -> set[str]:
    """Every line of ours at WARNING or above; `…` for what differs."""
    found = {
        line
        for call in calls()
        if method(call) in ("warning", "error", "critical", "exception")
        and "logger" in ast.unparse(call.func)
        and (line := template(call.args[0]))
    }
    # what is said of an item goes through Scrapy's formatter
    return found | {"quarantined: …", "internal error while processing …"}


def test_every_log_line_is_explained_and_every_explained_one_is_logged() -> None:
    assert names(table(RUN, "Log lines")) == logged()


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
