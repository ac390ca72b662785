"""Passwords and tokens of a command line, a settings file, a URL or the environment are written nowhere."""

from __future__ import annotations

import gzip
import time
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from demo.crawl import command, finish, start
from newsarchive.messages import command_line, without_secrets
from tests.conftest import DemoSite, finished

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["-s", "FTP_PASSWORD=hunter2 and more"], "-s FTP_PASSWORD=***"),
        (["-sAWS_SECRET_ACCESS_KEY=hunter2"], "-sAWS_SECRET_ACCESS_KEY=***"),
        (["--set=http_password=hunter2"], "--set=http_password=***"),
        (["--set", "MyToken=hunter2"], "--set MyToken=***"),
        (["-a", "api-key='hunter2'"], "-a api-key=***"),
        (["-amail.passwd=hunter2"], "-amail.passwd=***"),
        (["-s", "SITE_CREDENTIALS=hunter2"], "-s SITE_CREDENTIALS=***"),
        (["-s", "PROXY_AUTH=a=hunter2"], "-s PROXY_AUTH=***"),
        (["-s", "MAIL_PASS=hunter2\nhunter2"], "-s MAIL_PASS=***"),
        (["-s", 'DEFAULT_REQUEST_HEADERS={"Authorization": "Bearer hunter2", "Accept": "*/*"}'],
         '-s DEFAULT_REQUEST_HEADERS={"Authorization": ***, "Accept": "*/*"}'),
        (["-s", "QQ_LIST_URL=https://me:hunter2@host/list?n=1"], "-s QQ_LIST_URL=https://***@host/list?n=1"),
        (["-s", "QQ_LIST_URL=https://hunter2@host/list"], "-s QQ_LIST_URL=https://***@host/list"),
        (["-s", "QQ_LIST_URL=https://me:hunter2@host?token=hunter2&n=1"], "-s QQ_LIST_URL=https://***@host?token=***&n=1"),
        (["-a", "urls=https://a:hunter2@x/1,http://b:hunt@hunter2@y/2"], "-a urls=https://***@x/1,http://***@y/2"),
        (["-O", "ftp://me:hunter2@host/new.jsonl:jsonl"], "-O ftp://***@host/new.jsonl:jsonl"),
        (["-a", "limit=5", "-s", "DOWNLOAD_DELAY=0.5"], "-a limit=5 -s DOWNLOAD_DELAY=0.5"),
        (["-s", "USER_AGENT=newsarchive (mailto:me@example.org)"], "-s USER_AGENT=newsarchive (mailto:me@example.org)"),
        (["-a", "urls=https://new.qq.com/rain/a/20261104A05T2Q00?from=a@b"],
         "-a urls=https://new.qq.com/rain/a/20261104A05T2Q00?from=a@b"),
    ],
)  # fmt: skip
def test_a_command_line(words: list[str], shown: str) -> None:
    assert command_line(words) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{'FTP_PASSWORD': 'hun\\'ter2',\n 'N': 1}", "{'FTP_PASSWORD': ***,\n 'N': 1}"),
        ('{"MAIL_PASS": b"hunter2", "KEY_COUNT": 7}', '{"MAIL_PASS": ***, "KEY_COUNT": ***}'),
        ("KeyError: 'title'", "KeyError: 'title'"),
        ("channel tech: no list came: HTTP status 401", "channel tech: no list came: HTTP status 401"),
    ],
)
def test_a_log_line(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


@pytest.mark.parametrize(
    "part", ["a", "key", "'key':", '"key":\'', "//", "//a", "postgres://a", "key=", "'key' ", "'key':'\\", "@", "'k"]
)
def test_twice_the_text_takes_twice_the_time(part: str) -> None:
    def seconds(repeats: int) -> float:
        text = part * repeats
        began = time.process_time()
        without_secrets(text)
        command_line([text])
        return time.process_time() - began

    assert seconds(40_000) < 0.1 + 4 * min(seconds(20_000) for _ in range(3))


def test_a_run_writes_none(demo_site: DemoSite, tmp_path: Path, tree: Any) -> None:
    archive = tmp_path / "archive"
    demo_site.site.faults.add("/rain/a/20261104A05T2Q00", 404)
    demo_site.site.faults.add("/rain/a/20261104A03K7P00", 500, times=-1)
    settings = {
        "QQ_CHANNELS": "tech,finance",
        "QQ_LIST_URL": f"{demo_site.url}/web_feed/getPCList",
        "QQ_ARTICLE_URL": f"{demo_site.url}/rain/a/{{id}}",
        "QQ_SITEMAP_URL": f"https://example.org/index.xml?token={SECRET}",
        "HTTPAUTH_USER": "me",
        "HTTPAUTH_PASS": SECRET,
        "HTTPAUTH_DOMAIN": demo_site.url.removeprefix("http://"),
        "FTP_PASSWORD": SECRET,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "HAIGANG_TOKEN": f"a {SECRET}",
        "LOG_LEVEL": "DEBUG",
        "RETRY_TIMES": 1,
        "ARCHIVE_BACKOFF": 0.01,
        "DOWNLOAD_DELAY": 0,
        "AUTOTHROTTLE_ENABLED": False,
    }
    result = finished(command("crawl qq", archive, f"--set=http_key={SECRET}", **settings), archive)
    assert result.returncode == 0, result
    assert result.status["last_run"]["counts"]["article/new"] > 5
    assert result.status["last_run"]["arguments"].startswith("scrapy crawl qq --set=http_key=*** -s ARCHIVE_DIR=")
    sent = {asked.headers.get("authorization", "") for asked in demo_site.site.seen}
    assert [b64decode(each.removeprefix("Basic ")).decode() for each in sent] == [f"me:{SECRET}"]
    assert SECRET not in result.stdout + result.stderr
    for name, data in tree(archive).items():
        assert SECRET.encode() not in (gzip.decompress(data) if name.endswith(".gz") else data), name


def test_a_run_behind_a_proxy_writes_none(tmp_path: Path, tree: Any) -> None:
    archive = tmp_path / "archive"
    proxy = f"http://me:{SECRET}@127.0.0.1:9/"
    url = "http://nobody.invalid"
    settings = {"QQ_LIST_URL": f"{url}/list", "QQ_ARTICLE_URL": f"{url}/{{id}}", "RETRY_TIMES": 0, "LOG_LEVEL": "DEBUG"}
    process = start(command("crawl qq", archive, "-a", "channels=tech", **settings), http_proxy=proxy)
    result = finish(process, archive)
    assert result.returncode == 3, result
    assert SECRET not in result.stdout + result.stderr
    assert not [name for name, data in tree(archive).items() if SECRET.encode() in data]


def test_what_is_said_of_a_wrong_setting_shows_none(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    line = command("crawl qq", archive, QQ_LIST_URL=f"ftp://me:{SECRET}@host/list")
    result = finished(line, archive)
    assert (result.returncode, SECRET in result.stderr) == (2, False), result
    assert "QQ_LIST_URL=ftp://***@host/list: expected a URL" in result.stderr
