"""Sources of other packages that cannot be used: one line each, and the others go on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scrapy import Request
from scrapy.settings import Settings

from newsarchive import reader, sources
from newsarchive.__main__ import main
from newsarchive.archive import parallel
from newsarchive.errors import BadArgument
from newsarchive.options import add_settings, validate_settings
from newsarchive.spiders import SourceLoader
from tests import forked

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a package with a source: `install("gazette", spider="…")`. Returns the package's folder."""
    target = tmp_path / "installed"
    target.mkdir()
    before = set(sys.modules)
    monkeypatch.syspath_prepend(target)

    def make(source: str, *, name: str = "", pages: str = "def read_article(html, url): ...", spider: str = "") -> Path:
        name = name or f"news_{source}"
        metadata = target / f"{name}-1.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (metadata / "entry_points.txt").write_text(f"[newsarchive.sources]\n{source} = {name}\n")
        (target / name).mkdir()
        (target / name / "__init__.py").write_text("")
        (target / name / "pages.py").write_text(pages)
        (target / name / "spider.py").write_text(spider)
        sources.installed.cache_clear()
        return target / name

    yield make
    sources.installed.cache_clear()
    for module in set(sys.modules) - before:
        if module.startswith("news_"):
            del sys.modules[module]


def spider(source: str) -> str:
    return f"from newsarchive.spiders.base import *\n\nclass Its(ArchiveSpider):\n    name = '{source}'\n"


def test_a_source_that_nobody_has() -> None:
    with pytest.raises(BadArgument, match=r"^no source named '\.\./qq': expected one of qq"):
        reader("../qq")


@pytest.mark.parametrize(
    ("source", "pages", "expected"),
    [
        ("broken", "import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing'"),
        ("typo", "def read_article(:", r"SyntaxError: invalid syntax \(pages.py, line 1\)"),
        ("empty", "", "AttributeError: module 'news_empty.pages' has no attribute 'read_article'"),
        ("script", "raise SystemExit(0)", "SystemExit: 0"),
        ("loud", r"raise ValueError('\x1b[31m' + 'x' * 3000)", r"ValueError: \\x1b\[31mx+… \(3,\d+ characters\)"),
        ("archive", "", "newsarchive itself uses that name"),
        ("Upper", "", "expected a name of at most 31 lower-case letters, digits and _, a letter first"),
    ],
)
def test_one_that_cannot_be_used(install: Install, source: str, pages: str, expected: str) -> None:
    install(source, pages=pages)
    with pytest.raises(BadArgument, match=f"^the source {source} of news_{source} cannot be used: {expected}$"):
        reader(source)


def test_two_of_one_name_are_refused(install: Install) -> None:
    install("gazette")
    assert reader("gazette").__module__ == "news_gazette.pages"
    install("gazette", name="news_other")
    with pytest.raises(BadArgument, match=r"gazette of news_gazette and news_other .*: uninstall all but one of them"):
        reader("gazette")


def test_a_setting_is_of_the_source_with_the_longest_name(install: Install) -> None:
    for source in ("qq_sports", "news", "news_x"):
        install(source)
    settings = Settings({"QQ_SPORTS_SITE": "x", "NEWS_X_SITE": "x"})
    validate_settings(settings, ["QQ_SPORTS_SITE"])
    add_settings(settings, "qq", {})
    add_settings(settings, "news", {"NEWS_SITE": ""})
    for source, name in {"qq_sports": "QQ_SPORTS_SITE", "news_x": "NEWS_X_SITE"}.items():
        with pytest.raises(BadArgument, match=f"^{name}: no such setting, expected {name}S$"):
            add_settings(settings, source, {f"{name}S": ""})


def test_a_spider_of_a_source_is_found_as_all_others(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("sound", spider=spider("sound"))
    loader = SourceLoader(Settings({"SPIDER_MODULES": ["newsarchive.spiders"]}))
    assert loader.list() == ["qq", "sound"]
    assert [loader.load(name).name for name in loader.list()] == ["qq", "sound"]
    assert loader.find_by_request(Request("https://sound/1")) == ["sound"]
    assert capsys.readouterr().err == ""
    assert SourceLoader(Settings({"SPIDER_MODULES": ["news_sound.spider"]})).list() == ["sound"]
    problem = "the source sound cannot be used: SPIDER_MODULES has a spider of that name"
    assert capsys.readouterr().err == f"newsarchive: {problem}\n"


def test_none_takes_the_place_of_ours(install: Install) -> None:
    install("qq", name="news_fake")
    assert reader("qq").__module__ == "newsarchive.qq.pages"


def test_commands_name_those_that_cannot_be_used_and_go_on(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("broken", spider="import no_such_thing")
    install("nameless")
    install("qq", name="news_fake")
    install("plain", spider=spider("plain").replace("ArchiveSpider", "Spider"))
    install("former", spider=f"{spider('former')}    arguments = {{'isles': ('a number', int)}}")
    install("listed", spider=f"{spider('listed')}    arguments = ['isles']")
    install("sound", spider=spider("sound"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "installed"))
    assert main(["init", str(tmp_path / "news")]) == 0
    done = forked.run([sys.executable, "-m", "scrapy", "list"], cwd=tmp_path / "news")
    assert (done.returncode, done.stdout.split()) == (0, ["qq", "sound"])
    assert [line.partition(" cannot be used: ")[::2] for line in done.stderr.splitlines()] == [
        ("newsarchive: the source broken of news_broken", "ModuleNotFoundError: No module named 'no_such_thing'"),
        ("newsarchive: the source former", "expected in Its.arguments an Argument for each name"),
        ("newsarchive: the source listed", "expected in Its.arguments an Argument for each name"),
        ("newsarchive: the source nameless", "expected an ArchiveSpider named nameless in news_nameless.spider"),
        ("newsarchive: the source plain", "expected an ArchiveSpider named plain in news_plain.spider"),
        ("newsarchive: the source qq of news_fake", "newsarchive itself uses that name"),
    ]
    done = forked.run([sys.executable, "-m", "scrapy", "crawl", "broken"], cwd=tmp_path / "news")
    assert done.returncode == 2
    assert done.stderr.endswith("scrapy crawl: no spider named 'broken': expected one of qq, sound\n")


def test_workers_of_a_cluster_need_the_same_sources(install: Install) -> None:
    def program() -> str:
        parallel._program.cache_clear()
        sources.installed.cache_clear()
        return parallel._program()

    without = program()
    folder = install("gazette")
    former = program()
    (folder / "pages.py").write_text("def read_article(html, url): return None")
    assert len({without, former, program()}) == 3
    parallel._program.cache_clear()
