"""What a setting may be, wherever it was set."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from scrapy.cmdline import execute
from scrapy.settings import BaseSettings, Settings

from demo.crawl import FAST, PROJECT, site_settings
from newsarchive import settings
from newsarchive.__main__ import main
from newsarchive.errors import BadArgument
from newsarchive.options import KINDS, Options, validate_settings
from tests import forked
from tests.conftest import Crawl


def changed(**values: object) -> BaseSettings:
    found = Settings()
    found.setmodule(settings, priority="project")
    found.update(values, priority="cmdline")
    return found


def test_what_is_shipped_is_accepted() -> None:
    validate_settings(changed())
    validate_settings(changed(**site_settings("http://127.0.0.1:8000"), **FAST))
    assert set(KINDS) <= set(dir(settings))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ARCHIVE_DIR", Path("/srv/archive")),
        ("ARCHIVE_PROGRESS", "None"),
        ("ARCHIVE_PROGRESS", "true"),
        ("ARCHIVE_RECHECK_HOURS", "1, 6,24.5"),
        ("ARCHIVE_RECHECK_HOURS", []),
        ("ARCHIVE_RETRY_MINUTES", 0),
        ("ARCHIVE_PICTURES_URL", "https://pictures.example.org/"),
        ("ARCHIVE_MIN_TEXT", 0),
        ("QQ_CHANNELS", "tech, a_new_one"),
        ("QQ_LIST_URL", "http://[::1]:8000/list"),
        ("RETRY_HTTP_CODES", "500,567"),
        ("RETRY_HTTP_CODES", ""),
        ("LOG_LEVEL", "DEBUG"),
        ("FEED_EXPORT_INDENT", None),
        ("MY_EXTENSION_ENABLED", "of somebody else"),
        ("USER_AGENTS", ["of another program"]),
        ("HAIGANG_SITE", "of another source"),
    ],
)
def test_what_can_be_meant_is_accepted(name: str, value: object) -> None:
    validate_settings(changed(**{name: value}))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ARCHIVE_PROGRESS", "foo", "None, True or False"),
        ("QQ_LIST_URL", "foo", "a URL like https://host/path"),
        ("QQ_SITEMAP_URL", "https:///index.xml", "a URL like"),
        ("QQ_HOT_URL", "http://host:port/", "a URL like"),
        ("QQ_ACCOUNT_URL", "ftp://host/", "a URL like"),
        ("QQ_ARTICLE_URL", "foo{id}", "a URL like"),
        ("QQ_CHANNELS", "", "names of channels"),
        ("QQ_CHANNELS", "tech,财经", "names of channels"),
        ("RETRY_HTTP_CODES", "a", "HTTP statuses"),
        ("RETRY_HTTP_CODES", [5000], "HTTP statuses"),
        ("DOWNLOAD_DELAY", "x", "a number of at least 0"),
        ("DOWNLOAD_DELAY", -1, "a number of at least 0"),
        ("DOWNLOAD_DELAY", "nan", "a number of at least 0"),
        ("DOWNLOAD_TIMEOUT", "0", "a number above 0"),
        ("CONCURRENT_REQUESTS", "-2", "a whole number of at least 1"),
        ("ARCHIVE_BACKOFF", "-0.5", "a number of at least 0"),
        ("ARCHIVE_MAX_TRIES", 0, "a whole number of at least 1"),
        ("ARCHIVE_MIN_TEXT", "-5", "a whole number of at least 0"),
        ("ARCHIVE_PICTURES_URL", "", "a path that begins with / or a URL"),
        ("ARCHIVE_PICTURES_URL", "pictures/", "a path that begins with / or a URL"),
        ("ARCHIVE_PICTURES_URL", "/my pics/", "a path that begins with / or a URL"),
        ("ARCHIVE_PICTURES_URL", "/a)b/", "a path that begins with / or a URL"),
        ("ARCHIVE_MAX_TRIES", "9" * 30, "a whole number of at least 1"),
        ("ARCHIVE_RETRY_MINUTES", "1e300", "a number of at least 0"),
        ("ARCHIVE_RECHECK_HOURS", "1e9", "hours with commas"),
        ("ARCHIVE_DIR", "", "a folder"),
        ("ARCHIVE_RECHECK_HOURS", "-1,6", "hours with commas between them"),
        ("ARCHIVE_PICTURES", "perhaps", "True or False"),
        ("USER_AGENT", " ", "some text"),
        ("DEPTH_LIMIT", "deep", "a number"),
    ],
)
def test_what_cannot_be_used_is_refused(name: str, value: object, expected: str) -> None:
    with pytest.raises(BadArgument) as caught:
        validate_settings(changed(**{name: value}))
    assert str(caught.value).startswith(f"{name}={' '.join(str(value).split())}: expected {expected}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("DOWNLOAD_DELAY = 'x'", "DOWNLOAD_DELAY=x: expected a number of at least 0"),
        ("ARCHIVE_PICTURS = True", "ARCHIVE_PICTURS: no such setting, expected ARCHIVE_PICTURES"),
    ],
)
def test_a_settings_file_of_ones_own_is_looked_at_too(tmp_path: Path, line: str, said: str) -> None:
    own_settings(tmp_path, f"{line}\n".encode())
    done = scrapy(tmp_path, "crawl", "qq")
    assert (done.returncode, done.stdout) == (2, ""), done
    (told,) = done.stderr.splitlines()
    assert told.startswith(f"scrapy crawl: {said}")
    assert list((tmp_path / "output").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DOWNLOAD_DELY", "DOWNLOAD_DELAY"),
        ("LOG_LEVLE", "LOG_LEVEL"),
        ("USERAGENT", "USER_AGENT"),
        ("ROBOTSTXT_OBAY", "ROBOTSTXT_OBEY"),
        ("CONCURENT_REQUESTS", "CONCURRENT_REQUESTS"),
        ("MY_EXTENSION_ENABLED", ""),
        ("FILES_EXPIRES", ""),
        ("IMAGES_THUMBS", ""),
        ("HAIGANG_SITE", ""),
        ("JOBDIR", ""),
    ],
)
def test_a_misspelt_setting_of_scrapys_is_refused_on_the_command_line_alone(name: str, meant: str) -> None:
    settings_ = changed(**{name: 1})
    validate_settings(settings_)
    if not meant:
        validate_settings(settings_, [name])
    else:
        with pytest.raises(BadArgument, match=f"-s {name}: no such setting, expected {meant}"):
            validate_settings(settings_, [name])


def test_options_are_typed(tmp_path: Path) -> None:
    given = {"RECHECK_HOURS": "1, 6", "PROGRESS": "True", "PICTURES": "1", "RETRY_MINUTES": "0.5", "DIR": str(tmp_path)}
    options = Options.from_settings(changed(**{f"ARCHIVE_{name}": value for name, value in given.items()}))
    hour = timedelta(hours=1)
    assert (options.dir, options.recheck_hours, options.progress, options.pictures, options.retry_minutes) == (
        tmp_path, (hour, 6 * hour), True, True, hour / 120,
    )  # fmt: skip
    assert Options.from_settings(changed(ARCHIVE_DIR=tmp_path)) == Options(dir=tmp_path), "the defaults"


BROKEN = {
    "syntax": (b"QQ_CHANNELS = [", 1, "SyntaxError: '[' was never closed"),
    "indentation": (b"  ARCHIVE_PAGES = True", 1, "IndentationError: unexpected indent"),
    "name": (b"\nARCHIVE_PAGES = Flase", 2, "NameError: name 'Flase' is not defined"),
    "import": (b"import nowhere", 1, "ModuleNotFoundError: No module named 'nowhere'"),
    "exception": (b"\n\nraise ValueError('two\\nlines')", 3, "ValueError: two lines"),
    "encoding": (b"NAME = '\xff'", 1, "SyntaxError: (unicode error)"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_settings_file_is_one_line(tmp_path: Path, what: str) -> None:
    added, line, said = BROKEN[what]
    own = own_settings(tmp_path, added)
    name = {"syntax": "crawl qq", "import": "retry", "exception": "verify"}.get(what, "status")
    done = scrapy(tmp_path, *name.split())
    assert (done.returncode, done.stdout) == (2, ""), done
    before = own.read_bytes().removesuffix(added).count(b"\n")
    (told,) = done.stderr.splitlines()
    assert told.startswith(f"scrapy: {own}, line {before + line}: {said}")
    assert list((tmp_path / "output").iterdir()) == []


def test_a_settings_file_that_is_gone_is_one_line(tmp_path: Path) -> None:
    own_settings(tmp_path, b"").unlink()
    done = scrapy(tmp_path, "status")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done
    assert "there is no archive_settings.py beside scrapy.cfg" in done.stderr


@pytest.mark.parametrize("module", ["newsarchive.own_settings", "archive_settings"])
def test_a_folder_of_ones_own_has_its_own_settings(tmp_path: Path, module: str) -> None:
    """Also one that an earlier `newsarchive init` has made, whose scrapy.cfg names the file itself."""
    own_settings(tmp_path, b"QQ_CHANNELS = ['tech']\n")
    (tmp_path / "scrapy.cfg").write_text(f"[settings]\ndefault = {module}\n")
    assert scrapy(tmp_path, "settings", "--get", "QQ_CHANNELS").stdout == "['tech']\n"
    done = scrapy(tmp_path, "status")
    assert done.returncode == 0, done
    assert done.stderr == ""


def own_settings(folder: Path, added: bytes) -> Path:
    assert main(["init", str(folder)]) == 0
    own = folder / "archive_settings.py"
    own.write_bytes(own.read_bytes() + added)
    return own


def scrapy(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "scrapy", *words]
    return forked.run(line, cwd=folder)


@pytest.mark.parametrize("name", ["status", "verify", "rebuild", "reextract", "savepage a b", "retry"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-s", "ARCHIVE_MAX_TRIES=0"], "-s ARCHIVE_MAX_TRIES=0: expected a whole number of at least 1"),
        (["-s", "ARCHIVE_MAX_TRIES"], "Invalid -s value, use -s NAME=VALUE"),
        (["--quick"], "no option --quick"),
    ],
)
def test_every_command_says_wrong_usage_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("SCRAPY_SETTINGS_MODULE", "newsarchive.settings")
    with pytest.raises(SystemExit) as exit_:
        execute(["scrapy", *name.split(), *arguments, "-s", f"ARCHIVE_DIR={tmp_path / 'archive'}"])
    out, err = capsys.readouterr()
    assert (exit_.value.code, out) == (2, ""), err
    (line,) = err.splitlines()
    assert line.startswith(f"scrapy {name.partition(' ')[0]}: {said}")
    assert not (tmp_path / "archive").exists()


@pytest.mark.parametrize("name", ["status", "verify", "rebuild"])
def test_a_word_too_many_is_wrong_usage(crawl: Crawl, tmp_path: Path, name: str) -> None:
    result = crawl(tmp_path / "archive", "extra", name=name)
    assert (result.returncode, result.stdout) == (2, ""), result
    assert result.stderr == f"scrapy {name}: expected no argument, got extra\n"
