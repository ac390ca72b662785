"""`newsarchive init DIR`: makes a folder in which `scrapy crawl qq` works."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from newsarchive import settings
from newsarchive.errors import BadArgument

SCRAPY_CFG = """\
# `scrapy` looks for this file in the working folder and above; ARCHIVE_DIR is relative to its folder.
# The settings are those of archive_settings.py beside it.
[settings]
default = newsarchive.own_settings
"""

OFTEN_CHANGED = {
    "USER_AGENT": "who asks; put in an address where the site's operators can reach you",
    "QQ_CHANNELS": "the channels that are read when a run names none",
    "DOWNLOAD_DELAY": "seconds between two requests to one host",
    "ARCHIVE_DIR": "the archive's folder, relative to the folder of scrapy.cfg",
    "ARCHIVE_PAGES": "keep every page as it came, compressed, for a better parser later",
    "ARCHIVE_PICTURES": "fetch the pictures too and link to the archive's copies in the Markdown",
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="newsarchive", description="An archive of news articles in Markdown.")
    parser.add_argument("--version", action="version", version=version("newsarchive"))
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    init = commands.add_parser("init", help="make a folder in which `scrapy crawl qq` works")
    init.add_argument("folder", metavar="DIR", type=Path, help="new, or without an archive's files")
    folder: Path = parser.parse_args(arguments).folder
    try:
        make_folder(folder)
    except (BadArgument, OSError) as error:
        problem = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else error
        print(f"newsarchive: {problem}", file=sys.stderr)
        return 2
    print(
        f"{folder} is ready: scrapy.cfg, archive_settings.py (what people change) and output/ (the archive).\n"
        f"Next:  cd {folder}\n"
        "       scrapy crawl qq -a channels=tech -a limit=5\n"
        "       scrapy status"
    )
    return 0


def make_folder(folder: Path) -> None:
    """Raises `BadArgument` before anything is written when one of the files already exists."""
    files = {"scrapy.cfg": SCRAPY_CFG, "archive_settings.py": "".join(settings_lines())}
    for name in files:
        if (folder / name).exists():
            raise BadArgument(f"{folder / name} exists already: nothing was written")
    (folder / "output").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        with (folder / name).open("x", encoding="utf-8") as file:
            file.write(text)


def settings_lines() -> Iterator[str]:
    yield '"""Your own settings: take the `#` away and change the value. The README lists all of them."""\n\n'
    yield "from newsarchive.settings import *\n"
    for name, meaning in OFTEN_CHANGED.items():
        yield f"\n# {meaning}\n# {name} = {getattr(settings, name)!r}\n"
