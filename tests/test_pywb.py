"""pywb, which shows web archives in a browser, serves the pages of our WARC files.

It needs other versions of some packages than Scrapy, so it is installed in an environment of its own.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from itertools import product
from pathlib import Path
from urllib.request import urlopen

import pytest

from newsarchive.archive.replay import capture_at
from newsarchive.archive.warc import WarcFile
from tests.conftest import until
from tests.test_warc import FETCHED, PACKINGS, page

LATER = FETCHED + timedelta(days=1)

INSTALL = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pywb>=2.9", "setuptools<81")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of pywb's programs."""
    folder = tmp_path_factory.mktemp("pywb")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    installed = subprocess.run([folder / "bin" / "python", *INSTALL], capture_output=True, text=True, check=False)
    if installed.returncode != 0:
        pytest.skip(f"pywb cannot be installed here: {installed.stderr.strip()[-300:]}")
    return folder / "bin"


def both_visits(path: Path) -> dict[str, bytes]:
    """A file with pages that came twice, each packed in other ways; the text by the address."""
    file, texts = WarcFile(path, "newsarchive test"), {}
    for number, (then, now) in enumerate(product(PACKINGS.values(), repeat=2)):
        one = page(number, html=f"<!DOCTYPE html><p>{'山里下了一场雨。' * 99}{number}".encode())
        offset = file.add(then(one))
        file.add(now(replace(one, fetched=LATER)), capture_at(path.with_name(f"{path.name}.open"), offset))
        texts[one.url] = one.html
    file.close()
    return texts


@pytest.fixture
def wayback(programs: Path, tmp_path: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """The address of a running pywb, and what it should show."""
    folder = tmp_path / "wayback"
    folder.mkdir()
    texts = both_visits(tmp_path / "qq-1.warc.gz")
    for command in (["init", "news"], ["add", "news", str(tmp_path / "qq-1.warc.gz")]):
        subprocess.run([programs / "wb-manager", *command], cwd=folder, capture_output=True, check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve: list[str | Path] = [programs / "wayback", "-b", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(serve, cwd=folder, stdout=log, stderr=log, env=os.environ | {"PYTHONUNBUFFERED": "1"})
        try:
            until(lambda: answers(port), "pywb to answer")
            yield f"http://127.0.0.1:{port}/news", texts
        finally:
            server.terminate()
            server.wait(30)


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except OSError:
        return False


@pytest.mark.slow
def test_pywb_serves_each_page_of_each_time(wayback: tuple[str, dict[str, bytes]]) -> None:
    address, texts = wayback
    for (url, text), time in product(texts.items(), (FETCHED, LATER)):
        with urlopen(f"{address}/{time:%Y%m%d%H%M%S}id_/{url}", timeout=30) as reply:
            shown = parsedate_to_datetime(reply.headers["Memento-Datetime"])
            assert (shown, reply.read()) == (time.replace(microsecond=0), text), url
