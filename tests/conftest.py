"""What several test files share: the real material, the demo site, crawls of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from demo.crawl import FAST, PROJECT, Result, command, no_proxy_variables, site_settings, start
from demo.server import Server
from demo.site import Site
from tests import forked
from tests import postgres as postgresql
from tests.documented import check_status

# Hypothesis' 200 ms an example are a fault of ours on a quiet machine only; no test of ours is about that.
settings.register_profile("any machine", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
os.environ.update(no_proxy_variables())


@pytest.fixture(scope="session", autouse=True)
def _fork_server() -> Iterator[None]:
    yield
    forked.stop()


def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: a crawl waits for the disk and for timers half of its time."""
    return min(2 * (os.cpu_count() or 1), 32)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each worker begins with some of the longest tests: else all would wait in the end for one that began late.

    `--dist worksteal` cuts the list into a part for each worker, and moves tests only from the ends of these.
    """
    marked = [(mark.args[0], item) for item in items if (mark := item.get_closest_marker("longest"))]
    longest = [item for _, item in sorted(marked, key=lambda it: -it[0])]
    others = [item for item in items if item not in longest]
    total, workers = len(items), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items.clear()
    for nth in range(workers):
        part, its_longest = (total - len(items)) // (workers - nth), longest[nth::workers]
        rest = max(0, part - len(its_longest))
        items += its_longest + others[:rest]
        del others[:rest]


def slow(*values: Any) -> Any:
    """A case of `parametrize` that `make test` leaves out."""
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real pages, lists and bodies, which are nobody's to publish."""
    folder = os.environ.get("NEWSARCHIVE_REAL_DATA")
    if not folder:
        pytest.skip("NEWSARCHIVE_REAL_DATA is not set: it names a folder of real pages, lists and bodies")
    if not Path(folder).is_dir():
        pytest.skip(f"NEWSARCHIVE_REAL_DATA names {folder}, which is no folder")
    return Path(folder)


def until(condition: Callable[[], object], what: str = "what was expected") -> None:
    """A minute and a half at most: a busy machine takes long to start a crawl."""
    end = time.monotonic() + 90
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.05)


class DemoSite(Server):
    """The running demo site: `.url`, `.settings`, and `.site` to edit it and to plan faults.

    `.stop()` and `.start()` are a server that dies and comes back on the same port.
    """

    @property
    def settings(self) -> list[str]:
        """`-s` options that point a crawl here and make it quick."""
        options = {**site_settings(self.url), **FAST}
        return [word for key, value in options.items() for word in ("-s", f"{key}={value}")]


@pytest.fixture
def new_site() -> Iterator[Callable[..., DemoSite]]:
    """Makes demo sites: `new_site(articles=200, newest=…, local_pictures=True)`."""
    servers: list[DemoSite] = []

    def make(**options: Any) -> DemoSite:
        server = DemoSite(Site(**{"filler": 2_000, **options}))
        server.start()
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def demo_site(new_site: Callable[..., DemoSite]) -> DemoSite:
    """The demo site with the articles that were written by hand."""
    return new_site()


def finished(line: list[str], archive: Path, timeout: float = 180) -> Result:
    """Runs a command line of `demo.crawl.command` to its end."""
    done = forked.run(line, cwd=PROJECT, timeout=timeout)
    status = archive / "status.json"
    found = json.loads(status.read_text("utf-8")) if status.exists() else {}
    check_status(found)
    return Result(done.returncode, done.stdout, done.stderr, archive, found)


class Crawl:
    """Runs `scrapy crawl qq` and other commands of ours.

    >>> crawl(archive, "-a", "limit=3", site=demo_site, ARCHIVE_PAGES=False)  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._started: list[Popen[str]] = []

    def __call__(
        self,
        archive: Path,
        *arguments: str,
        site: DemoSite | None = None,
        name: str = "crawl qq",
        timeout: float = 180,
        **settings: object,
    ) -> Result:
        """Run to the end. `name` is another command: `status`, `verify`, …"""
        return finished(self.line(archive, *arguments, site=site, name=name, **settings), archive, timeout)

    def start(
        self,
        archive: Path,
        *arguments: str,
        site: DemoSite | None = None,
        name: str = "crawl qq",
        **settings: object,
    ) -> Popen[str]:
        """Only start it, to be killed or interrupted; `demo.crawl.finish` waits for its end."""
        process = start(self.line(archive, *arguments, site=site, name=name, **settings))
        self._started.append(process)
        return process

    @staticmethod
    def line(
        archive: Path, *arguments: str, site: DemoSite | None = None, name: str = "crawl qq", **settings: object
    ) -> list[str]:
        found = {**site_settings(site.url), **FAST} if site else {}
        return command(name, archive, *arguments, **{**found, **settings})

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate() if process.stdout and not process.stdout.closed else process.wait()


@pytest.fixture
def crawl() -> Iterator[Crawl]:
    runner = Crawl()
    yield runner
    runner.close()


@contextmanager
def session(line: list[str], **options: Any) -> Iterator[Popen[str]]:
    """A process whose output is to be read; it and all that it has started are killed in the end."""
    with Popen(line, stdout=PIPE, text=True, start_new_session=True, **options) as process:
        try:
            yield process
        finally:
            with suppress(OSError):  # all have ended
                os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def _crawled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive, site = tmp_path_factory.mktemp("crawled"), DemoSite(Site(filler=2_000))
    site.start()
    assert Crawl()(archive, site=site).returncode == 0
    site.stop()
    return archive


@pytest.fixture
def crawled(_crawled: Path, tmp_path: Path) -> Path:
    """`tmp_path` with an archive of the demo site as it is: of tests that are about a later run."""
    shutil.copytree(_crawled, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, DemoSite]]:
    """An archive with pictures, a former version and a page in quarantine, to be copied; and the site it comes from."""
    archive, site, crawl = tmp_path_factory.mktemp("sound"), DemoSite(Site(filler=2_000, local_pictures=True)), Crawl()
    site.start()
    edited, spoilt = [it.id for it in site.site.articles()][:2]
    site.site.faults.add(f"/rain/a/{spoilt}", "challenge")
    crawl(archive, site=site, ARCHIVE_PICTURES=True)
    site.site.edit(edited, title="改过的题目：河水退了")
    crawl(archive, "-a", f"urls={edited}", site=site, ARCHIVE_PICTURES=True)
    assert list(archive.glob("revisions/*/*/*.md"))
    assert list(archive.glob("quarantine/*/*.html.gz"))
    yield archive, site
    site.stop()


@pytest.fixture
def tree() -> Callable[[Path], dict[str, bytes]]:
    """A function that gives all files below a folder: relative path → bytes."""

    def files(folder: Path) -> dict[str, bytes]:
        found = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}

    return files


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgresql.Server]:
    """A PostgreSQL server; the test is skipped where there is none."""
    with postgresql.running() as server:
        yield server
