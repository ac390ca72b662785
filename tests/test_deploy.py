"""What runs the crawl when nobody looks: each as real as it can be here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.crawl import PROJECT
from tests.test_faults import small_disk

DEPLOY = PROJECT / "deploy"
DAY = 86_400


@dataclass(frozen=True)
class Desk:
    """A folder with a `scrapy` that ends as told and a `mail` that keeps what it was given."""

    folder: Path

    def run(self, line: str, shell: str = "bash -e", **environment: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            [*shell.split(), "-c", line],
            cwd=self.folder,
            env={**os.environ, "PATH": path, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def report(self, code: object) -> list[str]:
        """The subjects of the mails that went out."""
        before = self.mails()
        done = self.run(f"{DEPLOY / 'report.sh'} {code}", REPORT_TO="someone@example.org")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        return self.mails()[len(before) :]

    def mails(self) -> list[str]:
        sent = self.folder / "sent"
        return sent.read_text().splitlines() if sent.exists() else []

    def program(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def aged(self, name: str, seconds: int) -> None:
        then = time.time() - seconds
        os.utime(self.folder / name, (then, then))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.program("scrapy", 'if [ "$1" = status ]; then echo "Alarms none"; exit 0; fi; exit "${CODE:-0}"')
    desk.program("mail", 'echo "$2 to $3: $(cat)" | tr "\\n" " " >> sent; echo >> sent')
    return desk


@pytest.mark.parametrize("code", [0, 75])
def test_a_good_run_and_a_busy_archive_are_no_mail(desk: Desk, code: int) -> None:
    assert desk.report(code) == []


@pytest.mark.parametrize(
    ("code", "says"), [(1, "error (1)"), (2, "wrong usage"), (4, "site looks changed"), ("KILL", "error (KILL)")]
)
def test_what_a_person_must_do_something_about_is_a_mail_with_the_status(desk: Desk, code: object, says: str) -> None:
    (mail,) = desk.report(code)
    assert says in mail
    assert "to someone@example.org" in mail
    assert "Alarms none" in mail


def test_the_same_trouble_is_told_once_a_day(desk: Desk) -> None:
    assert len(desk.report(4)) == 1
    assert desk.report(4) == []
    assert len(desk.report(1)) == 1
    desk.aged(".report-told", DAY + 60)
    assert len(desk.report(1)) == 1


def test_trouble_that_comes_back_after_a_good_run_is_told_again(desk: Desk) -> None:
    assert len(desk.report(4)) == 1
    assert desk.report(0) == []
    assert len(desk.report(4)) == 1


def test_a_site_that_is_away_is_told_after_half_a_day(desk: Desk) -> None:
    assert desk.report(0) == []
    assert desk.report(3) == []
    desk.aged(".report-good", DAY // 2 + 60)
    (mail,) = desk.report(3)
    assert "could not be reached" in mail
    assert desk.report(3) == []


def test_a_site_that_was_never_reached_is_told_after_half_a_day_too(desk: Desk) -> None:
    assert desk.report(3) == []
    desk.aged(".report-good", DAY // 2 - 60)
    assert desk.report(3) == []
    desk.aged(".report-good", DAY // 2 + 60)
    assert len(desk.report(3)) == 1


def test_wrong_usage_is_told_with_what_was_wrong(desk: Desk) -> None:
    (desk.folder / "crawl.log").write_text("scrapy crawl: pages=0: expected a whole number of at least 1\n")
    (mail,) = desk.report(2)
    assert "pages=0: expected a whole number of at least 1" in mail
    assert f"{desk.folder}/crawl.log" in mail


def test_wrong_usage_under_systemd_names_the_journal(desk: Desk) -> None:
    (mail,) = desk.report(2)
    assert "journalctl -u newsarchive" in mail


def test_a_mail_that_could_not_be_sent_is_tried_again(desk: Desk) -> None:
    desk.program("mail", "exit 1")
    assert desk.run(f"{DEPLOY / 'report.sh'} 4").returncode != 0
    desk.program("mail", 'cat > /dev/null; echo "$2" >> sent')
    assert len(desk.report(4)) == 1


@pytest.fixture
def full_desk(desk: Desk) -> Iterator[Desk]:
    """One whose folder is on a full disk that takes no further file."""
    folder = desk.folder / "full"
    with small_disk(folder, "64k"):
        subprocess.run(["mount", "-o", "remount,nr_inodes=2", folder], check=True)
        with suppress(OSError), (folder / "filling").open("wb") as file:
            file.write(bytes(1_000_000))
        sent = desk.folder / "sent"
        desk.program("mail", f'echo "$2: $(cat)" | tr "\\n" " " >> {sent}; echo >> {sent}')
        yield desk


@pytest.mark.parametrize("kept_in", ["STATE_DIRECTORY", "RUNTIME_DIRECTORY", "TMPDIR"])
def test_a_full_disk_is_one_mail(full_desk: Desk, kept_in: str) -> None:
    other = full_desk.folder / "other"
    other.mkdir()
    places = {"TMPDIR": str(full_desk.folder / "full"), kept_in: str(other)}
    line = f"cd full; {DEPLOY / 'report.sh'} "

    def report(code: int) -> int:
        before = full_desk.mails()
        done = full_desk.run(line + str(code), **places)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        return len(full_desk.mails()) - len(before)

    assert [report(code) for code in (1, 1, 1, 4, 4, 0, 1, 1)] == [1, 0, 0, 1, 0, 0, 1, 0]
    assert [report(code) for code in (0, 3)] == [0, 0], "the half day of a site that is away is kept there, too"


def test_a_disk_that_still_takes_empty_files_is_enough(desk: Desk) -> None:
    folder = desk.folder / "full"
    sent = desk.folder / "sent"
    desk.program("mail", f"cat > /dev/null; echo mail >> {sent}")
    with small_disk(folder, "64k"):
        with suppress(OSError), (folder / "filling").open("wb") as file:
            file.write(bytes(1_000_000))
        for _ in range(3):
            done = desk.run(f"cd full; {DEPLOY / 'report.sh'} 1", TMPDIR=str(folder))
            assert (done.returncode, done.stderr) == (0, "")
    assert desk.mails() == ["mail"]


def cron_line() -> str:
    (line,) = [line for line in (DEPLOY / "crontab").read_text().splitlines() if re.match(r"[\d*]", line)]
    return line


def test_the_cron_line_logs_the_crawl_and_hands_its_exit_code_on(desk: Desk) -> None:
    *when, command = cron_line().split(maxsplit=5)
    assert when == ["7,37", "*", "*", "*", "*"]
    assert "%" not in command  # which cron makes a newline of
    command = command.replace("/opt/newsarchive/report.sh", str(DEPLOY / "report.sh"))
    command = command.replace("/var/lib/newsarchive", str(desk.folder))
    desk.program("scrapy", 'if [ "$1" = crawl ]; then echo "it went wrong" >&2; exit 4; fi')
    done = desk.run(command, shell="sh")
    assert (done.stdout, done.stderr) == ("", "")
    assert (desk.folder / "crawl.log").read_text() == "it went wrong\n"
    assert "site looks changed" in desk.mails()[0]


@pytest.fixture
def units(desk: Desk) -> Path:
    """The units with programs that are there: `verify` looks for them."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze: apt-get install systemd")
    shutil.copy(DEPLOY / "report.sh", desk.folder)
    folder = desk.folder / "units"
    folder.mkdir()
    for unit in (DEPLOY / "systemd").iterdir():
        (folder / unit.name).write_text(unit.read_text().replace("/opt/newsarchive", str(desk.folder)))
    return folder


def test_systemd_finds_nothing_wrong_with_the_units(units: Path) -> None:
    files = sorted(map(str, units.iterdir()))
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_crawl_is_shut_in(units: Path) -> None:
    line = ["systemd-analyze", "security", "--offline=true", str(units / "newsarchive.service")]
    said = subprocess.run(line, capture_output=True, text=True, check=False).stdout
    score = re.search(r"exposure level for newsarchive\.service: ([\d.]+)", said)
    assert score, said
    assert float(score[1]) <= 1.5


def test_the_units_say_what_was_promised() -> None:
    service, timer = ConfigParser(strict=False), ConfigParser()
    for parser in (service, timer):
        parser.optionxform = str  # type: ignore[assignment, method-assign]
    service.read(DEPLOY / "systemd" / "newsarchive.service")
    timer.read(DEPLOY / "systemd" / "newsarchive.timer")
    expected = {
        "User": "newsarchive",
        "ProtectSystem": "strict",
        "ReadWritePaths": service["Service"]["WorkingDirectory"],
        "NoNewPrivileges": "yes",
        "SuccessExitStatus": "75 3",
    }
    assert expected.items() <= dict(service["Service"]).items()
    assert service["Unit"]["OnFailure"] == service["Unit"]["OnSuccess"] == "newsarchive-report.service"
    assert timer["Timer"]["Persistent"] == "true"
    report = ConfigParser(strict=False)
    report.optionxform = str  # type: ignore[assignment, method-assign]
    report.read(DEPLOY / "systemd" / "newsarchive-report.service")
    kept = {"StateDirectory": "newsarchive-report", "RuntimeDirectory": "newsarchive-report"}
    assert (kept | {"RuntimeDirectoryPreserve": "yes"}).items() <= dict(report["Service"]).items()


@pytest.fixture
def workflow() -> dict[str, Any]:
    text = (DEPLOY / "github" / "archive.yml").read_text()
    return dict(yaml.safe_load(text.replace("\non:", "\n'on':")))  # YAML 1.1 reads a bare `on` as a truth value


@pytest.fixture
def clone(desk: Desk) -> Desk:
    """The desk's folder as a clone of a repository of its own."""
    made = desk.run(
        "git init -q --bare origin.git -b main; git clone -q origin.git clone 2>/dev/null; cd clone;"
        "git config user.name t; git config user.email t@example.org;"
        "echo /output/ > .gitignore; git add .; git commit -qm first; git push -q origin HEAD"
    )
    assert made.returncode == 0, made.stderr
    shutil.move(desk.folder / "bin", desk.folder / "clone" / "bin")
    return Desk(desk.folder / "clone")


@pytest.mark.parametrize(
    ("code", "judged", "says"),
    [
        (0, 0, ""),
        (75, 0, ""),
        (3, 0, "::warning::"),
        (4, 4, "looks changed"),
        (1, 1, "exit code 1"),
        (2, 1, "exit code 2"),
    ],
)
def test_the_workflow_commits_what_came_and_judges_the_exit_code(
    clone: Desk, workflow: dict[str, Any], code: int, judged: int, says: str
) -> None:
    steps = {step["name"]: step for step in workflow["jobs"]["archive"]["steps"] if "name" in step}
    write = (
        "mkdir -p output/content/qq/2026/11 && echo x > output/content/qq/2026/11/a.md && echo x > output/ledger.sqlite"
    )
    clone.program("scrapy", f'if [ "$1" = crawl ]; then {write}; exit {code}; fi; echo fine')
    files = {"GITHUB_OUTPUT": str(clone.folder / "out"), "GITHUB_STEP_SUMMARY": str(clone.folder / "summary")}
    crawled = clone.run(steps["Crawl"]["run"], **files)
    assert crawled.returncode == 0, crawled.stderr
    assert (clone.folder / "out").read_text() == f"code={code}\n"
    assert (clone.folder / "summary").read_text() == "fine\n"
    for _ in range(2):  # the second one has nothing to commit
        committed = clone.run(steps["Commit"]["run"])
        assert committed.returncode == 0, committed.stderr
    pushed = clone.run("git log --format=%s origin/main; git ls-tree -r --name-only origin/main")
    assert pushed.stdout.splitlines() == ["Archive", "first", ".gitignore", "output/content/qq/2026/11/a.md"]
    verdict = clone.run(steps["Judge"]["run"], CODE=str(code))
    assert verdict.returncode == judged
    assert says in verdict.stdout


def test_the_workflow_never_runs_twice_at_a_time_and_stays_alive(workflow: dict[str, Any]) -> None:
    assert workflow["concurrency"] == {"group": "archive", "cancel-in-progress": False}
    assert workflow["on"]["schedule"] == [{"cron": "7,37 * * * *"}]
    steps = workflow["jobs"]["archive"]["steps"]
    assert steps[-1]["name"] == "Keep alive"
    (save,) = [step for step in steps if step.get("uses", "").startswith("actions/cache/save")]
    assert "steps.commit.outcome == 'success'" in save["if"]
