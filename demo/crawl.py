"""Crawls of the demo site in their own process, as a user or a timer would start them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent

FAST = {
    "DOWNLOAD_DELAY": "0",
    "AUTOTHROTTLE_ENABLED": "False",
    "CONCURRENT_REQUESTS_PER_DOMAIN": "8",
    "ARCHIVE_BACKOFF": "0.01",
}
"""No delays: the demo site runs on this machine."""


def site_settings(url: str) -> dict[str, str]:
    """Settings with which the spider reads the demo site at `url` instead of the real one."""
    return {
        "QQ_CHANNELS": "finance,tech",
        "QQ_LIST_URL": f"{url}/web_feed/getPCList",
        "QQ_ARTICLE_URL": f"{url}/rain/a/{{id}}",
        "QQ_HOT_URL": f"{url}/gw/event/pc_hot_ranking_list",
        "QQ_ACCOUNT_URL": f"{url}/getSubNewsMixedList",
        "QQ_SITEMAP_URL": f"{url}/sitemap/index.xml",
    }


def command(name: str, archive: Path, *arguments: str, **settings: object) -> list[str]:
    """The command line of one of the project's Scrapy commands; `settings` become `-s` options."""
    options = [f"{key}={value}" for key, value in {"ARCHIVE_DIR": archive, **settings}.items()]
    return [sys.executable, "-m", "scrapy", *name.split(), *arguments, *(a for it in options for a in ("-s", it))]


@dataclass(frozen=True)
class Result:
    """Exit code, output and status file of a finished command."""

    returncode: int
    stdout: str
    stderr: str
    archive: Path
    status: dict[str, Any] = field(default_factory=dict)
    """`status.json`; empty when there is none."""

    def logged(self, level: str = "ERROR") -> list[str]:
        """The log lines of a level."""
        return [line for line in self.stderr.splitlines() if f" {level} " in line[:50]]

    def __str__(self) -> str:
        return f"exit code {self.returncode}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


def no_proxy_variables() -> dict[str, str]:
    """Environment variables with which requests to this machine, and so to the demo site, use no proxy."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    hosts = ",".join(filter(None, [known, "127.0.0.1", "localhost"]))
    return {"no_proxy": hosts, "NO_PROXY": hosts}


def start(line: list[str], **environment: str) -> subprocess.Popen[str]:
    """Start a command line from the project's folder; the caller waits for it or stops it."""
    env = os.environ | no_proxy_variables() | environment
    return subprocess.Popen(line, cwd=PROJECT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str], archive: Path, timeout: float = 180) -> Result:
    """Wait for a started command.

    Raises:
        subprocess.TimeoutExpired: it did not end in time, and was killed.
    """
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    status = archive / "status.json"
    found = json.loads(status.read_text("utf-8")) if status.exists() else {}
    return Result(process.returncode, stdout, stderr, archive, found)
