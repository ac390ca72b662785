"""The exit codes of whole `scrapy crawl qq` processes, and what they say on the way out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scrapy.cmdline import execute

from demo.crawl import PROJECT, command, finish, start
from demo.faults import Answer
from newsarchive.archive.ledger import Ledger
from tests import forked
from tests.conftest import Crawl, DemoSite, slow, until


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def test_fine_also_when_nothing_was_new(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    first, second = crawl(tmp_path, site=demo_site), crawl(tmp_path, site=demo_site)
    assert (first.returncode, second.returncode) == (0, 0), f"{first}\n{second}"
    assert second.status["last_run"]["counts"].get("article/new", 0) == 0
    assert second.status["last_run"]["meaning"] == "fine"
    for result in (first, second):
        assert 1 <= len(lines(result.stdout)) <= 5
        assert lines(result.stderr) == []


WRONG = {
    "day": (["-a", "since=yesterday"], "since=yesterday: expected a day like 2026-11-01"),
    "channel": (["-a", "channels=finance,knitting"], "channels=knitting: unknown, expected any of "),
    "name of an argument": (["-a", "pagse=3"], "no argument named 'pagse': expected one of accounts"),
    "number": (["-a", "limit=many"], "limit=many: expected a whole number"),
    "folder": (["-a", "replay=/no/such/folder"], "/no/such/folder: there is no such file or folder"),
    "url": (["-a", "urls=https://example.com/"], "'https://example.com/' names no article"),
    "argument without value": (["-a", "since"], "Invalid -a value, use -a NAME=VALUE"),
    "setting without value": (["-s", "ARCHIVE_DIR"], "Invalid -s value, use -s NAME=VALUE"),
    "setting's number": (["-s", "ARCHIVE_MAX_TRIES=many"], "-s ARCHIVE_MAX_TRIES=many: expected a whole number"),
    "setting of Scrapy's": (["-s", "AUTOTHROTTLE_MAX_DELAY=slow"], "-s AUTOTHROTTLE_MAX_DELAY=slow: expected a number"),
    "setting's switch": (["-s", "ROBOTSTXT_OBEY=perhaps"], "-s ROBOTSTXT_OBEY=perhaps: expected True or False"),
    "hours": (["-s", "ARCHIVE_RECHECK_HOURS=soon"], "-s ARCHIVE_RECHECK_HOURS=soon: expected hours"),
    "level": (["-s", "LOG_LEVEL=LOUD"], "-s LOG_LEVEL=LOUD: expected DEBUG, INFO"),
    "name of a setting": (["-s", "ARCHIVE_DIRR=x"], "-s ARCHIVE_DIRR: no such setting, expected ARCHIVE_DIR"),
    "option": (["--quick"], "no option --quick"),
    "two outputs": (["-o", "a.json", "-O", "b.json"], "Please use only one of -o/--output and -O/--overwrite-output"),
    "form of an output": (["-o", "a.what"], "Unrecognized output format 'what'"),
    "two spiders": (["qq"], "expected the name of one spider, got qq qq"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_usage_is_one_line_and_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    arguments, said = WRONG[what]
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("SCRAPY_SETTINGS_MODULE", "newsarchive.settings")
    line = ["scrapy", "crawl", "qq", *arguments, "-s", f"ARCHIVE_DIR={tmp_path / 'archive'}"]
    with pytest.raises(SystemExit) as exit_:
        execute(line)
    out, err = capsys.readouterr()
    assert (exit_.value.code, out) == (2, ""), err
    assert len(lines(err)) == 1, err
    assert said in err
    assert not (tmp_path / "archive").exists()


@pytest.mark.parametrize("what", ["day", "folder"])
def test_wrong_usage_is_said_before_anything_is_fetched(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, what: str
) -> None:
    arguments, said = WRONG[what]
    result = crawl(tmp_path / "archive", *arguments, site=demo_site)
    assert (result.returncode, result.stdout) == (2, ""), result
    assert len(lines(result.stderr)) == 1, result
    assert said in result.stderr
    assert demo_site.site.seen == []
    assert not (tmp_path / "archive").exists()


def test_a_channel_that_is_none_is_named_and_asked_for(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    result = crawl(tmp_path, "-a", "limit=1", site=demo_site, QQ_CHANNELS="knitting,tech")
    assert result.returncode == 0, result
    (line,) = lines(result.stderr)
    assert "WARNING channel knitting: unknown, expected any of top, bj, tech" in line
    assert "QQ_CHANNELS" in line
    assert "/web_feed/getPCList/news_news_knitting/1" in demo_site.site.counts()


def test_an_unknown_spider_is_wrong_usage(crawl: Crawl, tmp_path: Path) -> None:
    result = crawl(tmp_path / "archive", name="crawl weather")
    (line,) = lines(result.stderr)
    assert (result.returncode, line.rpartition(" of ")[0]) == (
        2,
        "scrapy crawl: no spider named 'weather': expected one",
    )
    assert "qq" in line


def test_a_server_that_is_not_there(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    demo_site.stop()
    result = crawl(tmp_path, site=demo_site, RETRY_TIMES=1)
    assert result.returncode == 3, result
    assert "could not be reached" in result.stdout
    assert result.status["last_run"]["exit_code"] == 3
    assert "Traceback" not in result.stderr


def test_a_host_that_has_no_address(crawl: Crawl, tmp_path: Path) -> None:
    nowhere = "http://no-such-host.invalid"
    result = crawl(
        tmp_path, QQ_CHANNELS="tech", QQ_LIST_URL=f"{nowhere}/list", QQ_ARTICLE_URL=f"{nowhere}/{{id}}", RETRY_TIMES=0
    )
    assert result.returncode == 3, result


@pytest.mark.parametrize("status", [500, slow(502), 567, slow(403)])
def test_a_site_that_says_no_to_everything(crawl: Crawl, demo_site: DemoSite, tmp_path: Path, status: int) -> None:
    demo_site.site.faults.add("/[!r]*", status, times=-1)  # but for robots.txt
    result = crawl(tmp_path, site=demo_site, RETRY_TIMES=1)
    assert result.returncode == 3, result


@pytest.mark.parametrize("status", [slow(500), 567, 403])
def test_a_site_whose_every_article_is_refused(crawl: Crawl, demo_site: DemoSite, tmp_path: Path, status: int) -> None:
    demo_site.site.faults.add("/rain/a/*", status, times=-1)
    result = crawl(tmp_path, site=demo_site, RETRY_TIMES=1)
    assert result.returncode == 3, result


# without a delay Scrapy 2.19 sends all that waits for a host at once
ONE_AT_A_TIME: dict[str, Any] = {"CONCURRENT_REQUESTS": 8, "CONCURRENT_REQUESTS_PER_DOMAIN": 1, "DOWNLOAD_DELAY": 0.05}


def test_the_firewall_ends_the_crawl(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    demo_site.site.faults.add("/rain/a/*", 501, times=-1)
    result = crawl(tmp_path, site=demo_site, **ONE_AT_A_TIME)
    assert result.returncode == 3, result
    assert "firewall" in result.stdout
    assert len(result.logged("ERROR")) == 1, result
    asked = [path for path in demo_site.site.counts() if path.startswith("/rain/")]
    assert len(asked) == 1, "nothing is sent after the first refusal, whatever waited"
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        tried = [row.article_id for row in ledger.rows() if row.attempts]
    assert len(tried) == 1, "what was not sent was not tried"


def test_the_firewall_ends_the_crawl_also_while_a_host_has_asked_for_quiet(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path
) -> None:
    first, second = (story.id for story in list(demo_site.site.articles())[:2])
    answer = demo_site.site.answer

    def refuse(method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        if target.endswith(first):
            return Answer(429, headers=(("Retry-After", "290"),))
        if target.endswith(second):
            return Answer(501, seconds=3)  # the first one waits by then
        return answer(method, target, headers, body)

    demo_site.site.answer = refuse  # type: ignore[method-assign]
    result = crawl(tmp_path, "-a", f"urls={first},{second}", site=demo_site, timeout=120)
    assert result.returncode == 3, result
    assert "firewall" in result.stdout


@pytest.mark.parametrize("path", ["/robots.txt", "/web_feed/*"])
def test_the_firewall_may_refuse_at_once(crawl: Crawl, demo_site: DemoSite, tmp_path: Path, path: str) -> None:
    demo_site.site.faults.add(path, 501, times=-1)
    result = crawl(tmp_path, site=demo_site, **ONE_AT_A_TIME)
    assert result.returncode == 3, result
    assert "firewall" in result.stdout
    assert len(demo_site.site.counts()) == (1 if path == "/robots.txt" else 2), demo_site.site.counts()


def test_robots_txt_that_forbids_all(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    demo_site.site.robots = "User-agent: *\nDisallow: /\n"
    result = crawl(tmp_path, site=demo_site)
    assert result.returncode == 3, result
    assert set(demo_site.site.counts()) == {"/robots.txt"}


LISTS_CHANGED = {"html": "list form", "unknown-list": "list form", "empty-list": "lists empty"}


@pytest.mark.parametrize("fault", LISTS_CHANGED)
def test_lists_that_look_changed_are_an_alarm(crawl: Crawl, demo_site: DemoSite, tmp_path: Path, fault: str) -> None:
    demo_site.site.faults.add("/web_feed/*", fault, times=-1)
    result = crawl(tmp_path, site=demo_site)
    assert result.returncode == 4, result
    assert [alarm["name"] for alarm in result.status["last_run"]["alarms"]] == [LISTS_CHANGED[fault]]
    assert "ALARM" in result.stdout


def test_articles_that_all_redirect_to_the_page_for_removed_ones(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path
) -> None:
    demo_site.site.faults.add("/rain/a/*", 404, times=-1)
    result = crawl(tmp_path, site=demo_site)
    assert result.returncode == 4, result
    assert [alarm["name"] for alarm in result.status["last_run"]["alarms"]] == ["no article"]


def test_one_list_out_of_many_is_an_alarm_too(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    demo_site.site.faults.add("/web_feed/*tech/1", "html", times=-1)
    result = crawl(tmp_path, site=demo_site)
    assert result.returncode == 4, result
    assert len(lines(result.stderr)) == 1, result
    assert "channel tech: the list reply has an unknown format" in result.stderr


def test_a_gateways_error_page_for_once_is_no_alarm(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    demo_site.site.faults.add("/web_feed/*tech/1", "html", times=2)
    result = crawl(tmp_path, site=demo_site)
    assert result.returncode == 0, result
    assert result.stderr == ""


def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> str:
    """Value of ADDONS that runs `code` before the crawl: a bug of ours, on order."""
    folder = tmp_path / "plug"
    folder.mkdir()
    body = "\n".join(f"        {line}" for line in code.splitlines())
    (folder / "plugged.py").write_text(
        f"class AddOn:\n    def update_settings(self, settings):\n{body}\n", encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return '{"plugged.AddOn": 0}'


BUGS = {
    "callback": """
from newsarchive.spiders.qq import QQSpider
def broken(self, response, **kwargs):
    raise RuntimeError("bug in the callback")
    yield
QQSpider.parse_list = broken""",
    "start": """
from newsarchive.spiders.qq import QQSpider
async def broken(self):
    raise RuntimeError("bug in the start")
    yield
QQSpider.start = broken""",
    "pipeline": """
from newsarchive.pipelines import Revise
def broken(self, item):
    raise RuntimeError("bug in the pipeline")
Revise.process_item = broken""",
    "opening of a pipeline": """
from newsarchive.pipelines import Revise
def broken(self):
    raise RuntimeError("bug in the opening of a pipeline")
Revise.open_spider = broken""",
    "extension": """
from newsarchive.extensions import Run
def broken(self, item):
    raise RuntimeError("bug in the extension")
Run.item_scraped = broken""",
    "errback": """
from newsarchive.spiders.qq import QQSpider
def broken(*arguments):
    raise RuntimeError("bug in the errback")
QQSpider.list_failed = broken""",
    "middleware": """
from newsarchive.downloader import Backoff
async def broken(self, request):
    if "/rain/" in request.url:
        raise RuntimeError("bug in the middleware")
Backoff.process_request = broken""",
    "conclusion": """
from newsarchive.health import alarms
def broken(*arguments):
    raise RuntimeError("bug in the conclusion")
alarms.alarms = broken""",
}


@pytest.mark.parametrize("place", [it if it in ("callback", "conclusion") else slow(it) for it in BUGS])
def test_an_exception_anywhere_is_1(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    bug = plug(tmp_path, monkeypatch, BUGS[place])
    if place == "errback":
        demo_site.site.faults.add("/web_feed/*", 404, times=-1)
    result = crawl(tmp_path / "archive", site=demo_site, RETRY_TIMES=0, ADDONS=bug)
    assert result.returncode == 1, result
    assert f"bug in the {place}" in result.stdout + result.stderr
    assert "ERROR" in result.stdout + result.stderr
    assert result.status["last_run"]["exit_code"] == 1
    assert f"bug in the {place}" in result.status["last_run"]["message"]


def test_a_page_that_meets_a_bug_is_kept_for_its_mending(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    bug = plug(tmp_path, monkeypatch, BUGS["pipeline"])
    crawl(archive, site=demo_site, ADDONS=bug)
    kept = sorted(path.name.partition(".")[0] for path in archive.glob("quarantine/qq/*.html.gz"))
    assert kept == sorted(story.id for story in demo_site.site.articles())
    demo_site.stop()
    result = crawl(archive, name="retry")
    assert result.returncode == 0, result
    assert list(archive.glob("quarantine/qq/*")) == []
    assert len(list(archive.glob("content/qq/*/*/*.md"))) == len(kept)


def test_a_ledger_that_cannot_be_read(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"no ledger" * 1000)
    result = crawl(tmp_path, site=demo_site)
    assert result.returncode == 1, result
    assert len(lines(result.stderr)) == 1, result
    assert re.search(r"ledger .*ledger\.sqlite cannot be read .* `scrapy rebuild`", result.stderr)
    assert demo_site.site.seen == []
    assert (tmp_path / "ledger.sqlite").read_bytes() == b"no ledger" * 1000
    assert result.status["last_run"]["exit_code"] == 1


def test_outside_of_a_project_nothing_of_ours_is_promised(tmp_path: Path) -> None:
    done = forked.run([sys.executable, "-m", "scrapy", "crawl", "qq"], cwd=tmp_path)
    assert done.returncode == 2, done


def test_two_runs_started_together(
    crawl: Crawl, new_site: Callable[..., DemoSite], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = new_site(articles=60)
    answer = site.site.answer
    processes: list[subprocess.Popen[str]] = []

    def answer_when_one_has_ended(*asked: Any) -> Answer:
        until(lambda: len(processes) == 2 and any(it.poll() is not None for it in processes))
        return answer(*asked)

    monkeypatch.setattr(site.site, "answer", answer_when_one_has_ended)
    processes += [crawl.start(tmp_path, site=site) for _ in range(2)]
    results = sorted((finish(it, tmp_path) for it in processes), key=lambda result: result.returncode)
    assert [result.returncode for result in results] == [0, 75], results
    late = results[1]
    assert len(lines(late.stderr)) == 1, late
    assert re.search(r"is held by `scrapy crawl qq .*`, pid \d+ on \S+ since 20\d\d-", late.stderr)
    assert late.stdout == ""
    assert len(list(tmp_path.glob("content/qq/*/*/*.md"))) == 60
    assert results[0].status["last_run"]["exit_code"] == 0, "the run that did not begin has no status"


def test_the_exit_code_is_in_the_ledger_and_in_the_status(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    demo_site.site.faults.add("/web_feed/*", "empty-list", times=-1)
    crawl(tmp_path, site=demo_site)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        assert [run.exit_code for run in ledger.last_runs(5)] == [4]


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("busy", 3, "the site refused us"),
        ("challenge", 3, "the site refused us"),
        (404, 4, "ALARM: list form"),
        ("redirect", 4, "ALARM: list form"),
    ],
)
def test_lists_that_never_come_are_not_nothing_new(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, fault: str | int, code: int, said: str
) -> None:
    demo_site.site.faults.add("/web_feed/*", fault, times=-1, value="1" if fault == "busy" else "/elsewhere")
    result = crawl(tmp_path, site=demo_site, RETRY_TIMES=1)
    assert result.returncode == code, result
    assert said in result.stdout


# Python buffers what is written to a pipe unless it is told otherwise, and then meets the error when it ends.
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


@pytest.mark.parametrize("gone", [slow("stdout"), slow("stderr"), "stdout and stderr"])
@pytest.mark.parametrize(
    "environment", [BUFFERED, slow(BUFFERED | {"PYTHONUNBUFFERED": "1"})], ids=["buffered", "unbuffered"]
)
def test_a_crawl_whose_reader_has_gone_does_its_work_and_ends_with_0(
    demo_site: DemoSite, tmp_path: Path, gone: str, environment: dict[str, str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)  # before it begins: later it may have written all already
    options = [*demo_site.settings, "-a", "limit=2", "-s", "LOG_LEVEL=INFO"]
    with open(writer, "w") as pipe, open(os.devnull, "w") as null:  # noqa: PTH123
        done = subprocess.run(
            command("crawl qq", tmp_path, *options), cwd=PROJECT, env=environment, text=True, check=False,
            stdout=pipe if "stdout" in gone else null, stderr=pipe if "stderr" in gone else subprocess.PIPE,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "BrokenPipeError" not in (done.stderr or "")
    assert json.loads((tmp_path / "status.json").read_bytes())["last_run"]["counts"]["article/new"] == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full, which answers as a full disk")
def test_a_crawl_whose_log_is_on_a_full_disk_does_its_work_and_ends_with_0(demo_site: DemoSite, tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            command("crawl qq", tmp_path, *demo_site.settings, "-a", "limit=2"),
            cwd=PROJECT, env=BUFFERED, stdout=full, stderr=full, check=False,
        )  # fmt: skip
    assert done.returncode == 0
    assert json.loads((tmp_path / "status.json").read_bytes())["last_run"]["counts"]["article/new"] == 2


@pytest.mark.parametrize("name", ["status", slow("verify"), slow("reextract"), slow("rebuild")])
def test_a_command_ends_with_its_reader_and_says_nothing_of_it(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, name: str
) -> None:
    assert crawl(tmp_path, "-a", "limit=1", site=demo_site).returncode == 0
    reader, writer = os.pipe()
    os.close(reader)  # before it begins: later it may have said all already
    with open(writer, "w") as pipe:  # noqa: PTH123
        done = subprocess.run(
            command(name, tmp_path), cwd=PROJECT, env=BUFFERED, stdout=pipe, stderr=subprocess.PIPE,
            text=True, check=False,
        )  # fmt: skip
    assert (done.stderr, done.returncode) == ("", 141)


def test_a_cluster_needs_an_extra(crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['distributed'] = None  # as if not installed\n")
    line = crawl.line(tmp_path, "--dask", "tcp://127.0.0.1:8786", name="export")
    result = finish(start(line, PYTHONPATH=str(tmp_path)), tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "scrapy export: --dask needs distributed: pip install 'newsarchive[cluster]'\n"
