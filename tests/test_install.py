"""The wheel in an empty environment, far from the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from demo.crawl import PROJECT
from newsarchive import settings
from newsarchive.__main__ import OFTEN_CHANGED, main
from tests.conftest import DemoSite

TWO = "20261104A05T2Q00,https://news.qq.com/rain/a/20261104A03K7P00"
TAGGED = "98.7.6"  # the version comes from the tag
VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


def run(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Away from the checkout, which must not be found by accident, and without the user's own settings of git."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment = {name: value for name, value in environment.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    line = [str(word) for word in words]
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # setuptools leaves things where it builds
    shutil.copytree(PROJECT / "newsarchive", source / "newsarchive", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source)
    git = ["git", "-C", source, "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"], ["tag", f"v{TAGGED}"]):
        done = run(folder, *git, *words)
        assert done.returncode == 0, done.stderr
    made = run(folder, sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source)
    assert made.returncode == 0, made.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(name for name in names if name.endswith("/METADATA"))).decode()
    package = {path.relative_to(PROJECT).as_posix() for path in (PROJECT / "newsarchive").rglob("*.py")}
    package |= {f"newsarchive/{name}" for name in ("py.typed", "health/report.html", "health/report.zh.toml")}
    info = {name for name in names if ".dist-info/" in name}
    assert names - info == package
    assert {name.partition(".dist-info/")[2] for name in info} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
        "top_level.txt",
    }
    assert "Requires-Python: >=3.11" in metadata
    assert "Operating System :: POSIX" in metadata
    needed = re.findall(r"^Requires-Dist: ([\w-]+)[^;\n]*$", metadata, flags=re.MULTILINE)
    assert {name.lower() for name in needed} == {
        "scrapy",
        "parsel",
        "turbohtml",
        "sqlalchemy",
        "itemadapter",
        "python-frontmatter",
        "rapidfuzz",
        "pyyaml",
        "tqdm",
        "tzdata",
    }


def crawl_with_the_wheel(python: str, wheel: Path, folder: Path, site: DemoSite) -> None:
    """`pip install`, `newsarchive init`, two crawls with settings of one's own, `scrapy verify`."""
    made = run(folder, python, "-m", "venv", "--without-pip", folder / "venv")
    assert made.returncode == 0, made.stderr
    programs = folder / "venv" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", programs / "python"]
    installed = run(folder, *pip, "install", "--quiet", "--no-compile", wheel)
    assert installed.returncode == 0, installed.stderr
    where = run(folder, programs / "python", "-c", "import newsarchive; print(newsarchive.__file__)").stdout
    assert where.startswith(str(folder))

    no_zones = run(folder, "env", "PYTHONTZPATH=", programs / "python", "-c", "import newsarchive")
    assert no_zones.returncode == 0, no_zones.stderr

    assert TAGGED in run(folder, programs / "newsarchive", "--version").stdout
    assert run(folder, programs / "newsarchive", "man").stdout.startswith(
        ".TH NEWSARCHIVE"
    )  # from argparse's own parts
    ready = run(folder, programs / "newsarchive", "init", "news")
    assert ready.returncode == 0, ready.stderr
    assert "cd news" in ready.stdout
    own = folder / "news" / "archive_settings.py"
    text = own.read_text(encoding="utf-8").replace("# ARCHIVE_PAGES = True", "ARCHIVE_PAGES = False")
    own.write_text(text + "ARCHIVE_DIR = 'elsewhere'\n", encoding="utf-8")

    deep = folder / "news" / "output"  # below scrapy.cfg is good enough for Scrapy, and ARCHIVE_DIR stays where it was
    first = run(deep, programs / "scrapy", "crawl", "qq", "-a", f"urls={TWO}", *site.settings)
    assert first.returncode == 0, first.stderr
    archive = folder / "news" / "elsewhere"
    assert len(list((archive / "content" / "qq").rglob("*.md"))) == 2
    assert not (archive / "pages").exists()
    for command in (["crawl", "qq", *site.settings], ["status"], ["verify"]):
        done = run(deep, programs / "scrapy", *command)
        assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((archive / "content" / "qq").rglob("*.md"))) == 13


def interpreters() -> dict[str, str]:
    """Version → a Python of it, from 3.11 on: this one, those of pyenv and those on the path."""
    found = {"{}.{}".format(*sys.version_info): sys.executable}
    named = (shutil.which(f"python3.{minor}") for minor in range(11, 20))
    for python in [*map(str, Path.home().glob(".pyenv/versions/3.*/bin/python")), *filter(None, named)]:
        version = subprocess.run([python, "-c", VERSION], capture_output=True, text=True, check=False).stdout.strip()
        if version and int(version.partition(".")[2]) >= 11:
            found.setdefault(version, python)
    return found


@pytest.mark.longest(45)
@pytest.mark.slow
@pytest.mark.parametrize("version", [f"3.{minor}" for minor in range(11, 16)])
def test_every_python_crawls_with_the_wheel_in_an_empty_environment(
    version: str, wheel: Path, tmp_path: Path, demo_site: DemoSite
) -> None:
    python = interpreters().get(version)
    if not python:
        pytest.skip(f"no Python {version} on this machine")
    crawl_with_the_wheel(python, wheel, tmp_path, demo_site)


# newsarchive init


def test_the_settings_file_shows_the_defaults_as_they_are(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "news")]) == 0
    text = (tmp_path / "news" / "archive_settings.py").read_text(encoding="utf-8")
    for name in OFTEN_CHANGED:
        (shown,) = re.findall(rf"^# {name} = (.*)$", text, flags=re.MULTILINE)
        assert shown == repr(getattr(settings, name))
    uncommented = re.sub(r"^# ([A-Z_]+ = )", r"\1", text, flags=re.MULTILINE)
    values: dict[str, object] = {}
    exec(compile(uncommented, "archive_settings.py", "exec"), values)
    assert {name: values[name] for name in OFTEN_CHANGED} == {name: getattr(settings, name) for name in OFTEN_CHANGED}


@pytest.mark.parametrize("name", ["scrapy.cfg", "archive_settings.py"])
def test_a_folder_with_a_file_of_ours_is_left_as_it_is(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("mine")
    assert main(["init", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"newsarchive: {tmp_path / name} exists already: nothing was written\n"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_an_archive_that_is_already_there_is_kept(tmp_path: Path) -> None:
    kept = tmp_path / "output" / "content" / "a.md"
    kept.parent.mkdir(parents=True)
    kept.write_text("x")
    assert main(["init", str(tmp_path)]) == 0
    assert kept.read_text() == "x"


def test_a_file_where_the_folder_should_be_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "news").write_text("")
    assert main(["init", str(tmp_path / "news")]) == 2
    assert capsys.readouterr().err == f"newsarchive: {tmp_path / 'news' / 'output'}: Not a directory\n"
