"""`deploy/scrapyd`: sent to a real scrapyd, scheduled and run there."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from demo.crawl import PROJECT
from tests.conftest import DemoSite, until

DEPLOY = PROJECT / "deploy"
Call = Callable[..., dict[str, Any]]


@pytest.fixture
def scrapyd(tmp_path: Path) -> Iterator[Call]:
    """A running scrapyd; a function that asks it something."""
    if not (find_spec("scrapyd") and find_spec("scrapyd_client")):
        pytest.skip("no scrapyd: pip install '.[scrapyd]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = (DEPLOY / "scrapyd" / "scrapyd.conf").read_text().replace("/var/lib/newsarchive", str(tmp_path))
    (tmp_path / "scrapyd.conf").write_text(f"{text}http_port = {port}\npoll_interval = 0.2\n")
    shutil.copytree(DEPLOY / "scrapyd", tmp_path / "project", ignore=shutil.ignore_patterns("*.egg-info", "build"))
    for file in (tmp_path / "project").iterdir():
        file.write_text(file.read_text().replace("/var/lib/newsarchive", str(tmp_path)).replace("6800", str(port)))

    def call(name: str, timeout: float = 60, **data: Any) -> dict[str, Any]:
        body = urlencode(data, doseq=True).encode() if name == "schedule" else None
        query = "" if body else f"?{urlencode(data)}"
        with urlopen(f"http://127.0.0.1:{port}/{name}.json{query}", body, timeout=timeout) as reply:
            return dict(json.load(reply))

    with (tmp_path / "scrapyd.log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-m", "scrapyd"], cwd=tmp_path, stdout=log, stderr=log)
        try:
            until(lambda: answers(call), "scrapyd to answer")
            yield call
        finally:
            server.terminate()
            server.wait(30)


def answers(call: Call) -> bool:
    try:
        return bool(call("daemonstatus"))
    except OSError:  # refused, or cut off while it starts
        return False


@pytest.mark.slow
def test_scrapyd_takes_the_settings_and_runs_the_crawl(scrapyd: Call, tmp_path: Path, demo_site: DemoSite) -> None:
    line = [sys.executable, "-m", "scrapyd_client.deploy"]
    deployed = subprocess.run(line, cwd=tmp_path / "project", capture_output=True, text=True, check=False)
    assert deployed.returncode == 0, deployed.stderr
    assert scrapyd("listspiders", project="newsarchive")["spiders"] == ["qq"]

    settings = [each for each in demo_site.settings if each != "-s"]
    scrapyd("schedule", project="newsarchive", spider="qq", limit=3, setting=settings)
    scrapyd("schedule", project="newsarchive", spider="qq", since="yesterday")
    until(lambda: len(scrapyd("listjobs", project="newsarchive")["finished"]) == 2, "two jobs to end")

    assert len(list((tmp_path / "output" / "content").rglob("*.md"))) == 3
    assert json.loads((tmp_path / "output" / "status.json").read_text())["last_run"]["exit_code"] == 0
    log = (tmp_path / "scrapyd.log").read_text()
    assert "Process finished" in log
    assert re.search(r"Process died: exitstatus=2 .*since=yesterday", log)
