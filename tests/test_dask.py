"""`--dask`: a real scheduler and real workers, each a process of its own on this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.crawl import PROJECT, Result
from newsarchive.archive.parallel import Expected, dask_workers, parallel_map
from newsarchive.errors import ClusterError
from tests.conftest import Crawl, DemoSite

distributed = pytest.importorskip("distributed", reason="not installed: pip install 'newsarchive[cluster]'")

DEATHS = 1  # that a task may have caused before the next one makes it a `KilledWorker`


class Dask:
    """A scheduler at `.address` and its workers."""

    def __init__(self, folder: Path, *, project: Path = PROJECT) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self._log = (folder / "log").open("wb")
        file = folder / "scheduler.json"
        options = ("--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        self.scheduler = self._start("scheduler", *options, project=project)
        while not file.exists() or not file.read_bytes():
            assert self.scheduler.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        self.address: str = json.loads(file.read_bytes())["address"]

    def worker(self, *options: str, project: Path = PROJECT) -> subprocess.Popen[bytes]:
        """Started, and known to the scheduler: a command waits for the first one only for a few seconds."""
        with distributed.Client(self.address, timeout=60, set_as_default=False) as client:
            known = len(client.nthreads())
            words = (self.address, "--local-directory", str(self.folder), *options)
            process = self._start("worker", *words, project=project)
            client.wait_for_workers(known + 1)
        return process

    def _start(self, what: str, *options: str, project: Path = PROJECT) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard", *options]
        environment = {
            **os.environ,
            "PYTHONPATH": f"{project}:{Path(__file__).parent}",
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(DEATHS),
        }
        process = subprocess.Popen(line, cwd=self.folder, env=environment, stdout=self._log, stderr=self._log)
        self._started.append(process)
        return process

    def close(self) -> None:
        scheduler, *workers = self._started
        for processes in (workers, [scheduler]):  # a worker that is being started again has to find it, to end
            for process in processes:  # of a worker, its keeper, which ends it
                process.terminate()
            for process in processes:
                process.wait()
        self._log.close()


@pytest.fixture
def new_dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Dask]]:
    started: list[Dask] = []

    def new(**options: Path) -> Dask:
        started.append(Dask(tmp_path_factory.mktemp("dask"), **options))
        return started[-1]

    yield new
    for dask in started:
        dask.close()


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    """With two workers of one thread each."""
    started = Dask(tmp_path_factory.mktemp("dask"))
    for _ in range(2):
        started.worker("--nthreads", "1")
    yield started
    started.close()


@pytest.fixture
def archive(sound: tuple[Path, DemoSite], tmp_path: Path) -> Path:
    """With a former version, a document that is lost and one that is damaged."""
    copied = Path(shutil.copytree(sound[0], tmp_path / "archive"))
    lost, damaged, *_ = sorted(copied.glob("content/*/*/*/*.md"))
    lost.unlink()
    damaged.write_bytes(damaged.read_bytes()[:100])
    return copied


def outcome(result: Result) -> tuple[int, str, list[str]]:
    return result.returncode, result.stdout.replace(str(result.archive), ""), sorted(result.stderr.splitlines())


@pytest.mark.parametrize("words", ["verify --json", "export", "reextract"])
def test_results_are_those_of_local_processes(
    archive: Path, tmp_path: Path, dask: Dask, crawl: Crawl, tree: Callable[[Path], dict[str, bytes]], words: str
) -> None:
    name, *options = words.split()
    other = Path(shutil.copytree(archive, tmp_path / "other"))
    here = crawl(archive, *options, name=name)
    there = crawl(other, *options, "--dask", dask.address, name=name)
    assert outcome(there) == outcome(here)
    assert tree(other / "content") == tree(archive / "content")


def slow_once(marked: tuple[int, str]) -> int:
    """Tells which process works on number 60, which then has its time to be killed."""
    number, folder = marked
    if number == 60 and not (mark := Path(folder, "mark")).exists():
        part = Path(folder, "part")
        part.write_text(str(os.getpid()))
        part.rename(mark)
        time.sleep(600)
    return number


def test_a_worker_that_is_killed_costs_its_task(tmp_path: Path, dask: Dask) -> None:
    with dask_workers(dask.address, tmp_path) as workers:
        results = parallel_map(slow_once, ((it, str(tmp_path)) for it in range(100)), workers=workers)
        found = [next(results)]  # it has begun
        while not (tmp_path / "mark").exists():
            time.sleep(0.02)
        os.kill(int((tmp_path / "mark").read_text()), signal.SIGKILL)
        assert [*found, *results] == list(range(100))


def fatal(number: int) -> int:
    if number in (3, 20):
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.slow
def test_a_thing_that_kills_its_workers_is_lost_and_the_others_are_not(tmp_path: Path, dask: Dask) -> None:
    with dask_workers(dask.address, tmp_path) as workers:
        found = list(parallel_map(fatal, range(30), size=5, workers=workers, lost=lambda it: -it))
    assert found == [-it if it in (3, 20) else it for it in range(30)]


def failing(number: int) -> int:
    if number == 60:
        raise ValueError("number 60")
    return number


def test_error_of_a_worker_is_an_error_here(tmp_path: Path, dask: Dask) -> None:
    with dask_workers(dask.address, tmp_path) as workers, pytest.raises(ValueError, match="number 60"):
        list(parallel_map(failing, range(100), workers=workers))


def test_another_folder_in_the_same_place_is_no_archive(archive: Path) -> None:
    """As on a machine that has a folder of that name on its own disk."""
    expected = Expected.here(archive)
    expected.check()
    archive.rename(archive.with_name("former"))
    with pytest.raises(ClusterError, match="does not see the archive"):
        expected.check()
    shutil.copytree(archive.with_name("former"), archive)
    with pytest.raises(ClusterError, match="does not see the archive"):
        expected.check()


def test_worker_with_another_version_is_refused(
    archive: Path, tmp_path: Path, new_dask: Callable[..., Dask], crawl: Crawl
) -> None:
    shutil.copytree(PROJECT / "newsarchive", tmp_path / "former" / "newsarchive")
    with (tmp_path / "former" / "newsarchive" / "qq" / "pages.py").open("a") as file:
        file.write("# a parser that has changed since\n")
    dask = new_dask()
    dask.worker("--no-nanny", project=tmp_path / "former")
    result = crawl(archive, "--dask", dask.address, name="export")
    assert (result.returncode, result.stdout) == (1, "")
    assert "has another version of newsarchive" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_scheduler_that_cannot_load_the_program(
    archive: Path, tmp_path: Path, new_dask: Callable[..., Dask], crawl: Crawl
) -> None:
    (tmp_path / "other" / "newsarchive").mkdir(parents=True)
    (tmp_path / "other" / "newsarchive" / "__init__.py").write_text("raise ImportError('as if not installed')")
    dask = new_dask(project=tmp_path / "other")
    dask.worker("--no-nanny")
    result = crawl(archive, "--dask", dask.address, name="export")
    assert (result.returncode, result.stdout) == (1, "")
    assert "cannot load this newsarchive" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_scheduler_without_workers_and_one_that_is_gone(
    archive: Path, new_dask: Callable[..., Dask], crawl: Crawl
) -> None:
    dask = new_dask()
    for expected in ("has no worker", "no Dask scheduler at"):
        result = crawl(archive, "--dask", dask.address, name="verify", timeout=60)
        assert (result.returncode, result.stdout) == (1, "")
        assert expected in result.stderr
        assert len(result.stderr.splitlines()) == 1
        dask.scheduler.terminate()
        dask.scheduler.wait()


def gone(ids: tuple[int, int]) -> int:
    os.kill(ids[1], signal.SIGKILL)
    time.sleep(1)
    return ids[0]


@pytest.mark.slow
def test_scheduler_that_goes_in_the_middle(tmp_path: Path, new_dask: Callable[..., Dask]) -> None:
    dask = new_dask()
    dask.worker("--no-nanny")
    with pytest.raises(ClusterError, match="is gone"), dask_workers(dask.address, tmp_path) as workers:
        list(parallel_map(gone, [(it, dask.scheduler.pid) for it in range(9)], workers=workers))


def on_reading(page: str, folder: Path, *lines: str) -> tuple[str, str]:
    """Options of a worker that runs these lines each time before it reads the page of an article."""
    preload = folder / "preload.py"
    preload.write_text(
        "import os, signal, time\n"
        "from pathlib import Path\n"
        "from newsarchive.archive import reextract\n"
        "from newsarchive.archive.parallel import time_limit\n"
        "def read(job, compared=reextract._compared):\n"  # a worker may run this twice
        f"    if job.row.article_id == {page!r}:\n"
        + "".join(f"        {line}\n" for line in lines)
        + "    return compared(job)\n"
        "reextract._compared = read\n"
    )
    return "--preload", str(preload)


def killed_once(folder: Path) -> tuple[str, str]:
    mark = str(folder / "mark")
    return f"if not Path({mark!r}).exists():", f"    Path({mark!r}).touch(), os.kill(os.getpid(), signal.SIGKILL)"


def some_article(archive: Path) -> str:
    return sorted(archive.glob("content/*/*/*/*.md"))[5].stem


@pytest.mark.slow
def test_reextract_is_the_same_when_a_worker_is_killed(
    archive: Path, tmp_path: Path, new_dask: Callable[..., Dask], crawl: Crawl, tree: Callable[[Path], dict[str, bytes]]
) -> None:
    other = Path(shutil.copytree(archive, tmp_path / "other"))
    dask = new_dask()
    for _ in range(2):
        dask.worker("--nthreads", "1", *on_reading(some_article(archive), tmp_path, *killed_once(tmp_path)))
    here, there = crawl(archive, name="reextract"), crawl(other, "--dask", dask.address, name="reextract")
    assert (tmp_path / "mark").exists()
    assert outcome(there) == outcome(here)
    assert tree(other / "content") == tree(archive / "content")


@pytest.mark.slow
def test_a_page_that_takes_too_long_is_left_alone(
    archive: Path, tmp_path: Path, new_dask: Callable[..., Dask], crawl: Crawl
) -> None:
    page = some_article(archive)
    expected = crawl(Path(shutil.copytree(archive, tmp_path / "other")), name="reextract")
    dask = new_dask()
    # as if the limit, 600 seconds, were shorter for this page
    options = on_reading(page, tmp_path, "with time_limit(0.1):", "    time.sleep(600)")
    for _ in range(2):
        dask.worker("--nthreads", "1", *options)
    result = crawl(archive, "--dask", dask.address, name="reextract")
    assert (result.returncode, expected.returncode) == (1, 0)
    (line,) = (it for it in result.stderr.splitlines() if it.startswith("left as it is: "))
    assert f"{page}: the process that read its page was ended" in line
    assert crawl(archive, name="verify").returncode == 0, "the lost document and the damaged one are written again"


@pytest.mark.slow
def test_the_last_worker_goes_in_the_middle(
    archive: Path, tmp_path: Path, new_dask: Callable[..., Dask], crawl: Crawl, tree: Callable[[Path], dict[str, bytes]]
) -> None:
    other = Path(shutil.copytree(archive, tmp_path / "other"))
    crawl(other, name="reextract")
    before, after = tree(archive / "content"), tree(other / "content")
    dask = new_dask()
    dask.worker("--no-nanny", *on_reading(some_article(archive), tmp_path, *killed_once(tmp_path)))
    stopped = crawl(archive, "--dask", dask.address, name="reextract")
    assert (stopped.returncode, stopped.stdout) == (1, ""), stopped
    (line,) = stopped.stderr.splitlines()
    assert "has lost its last worker" in line
    found = tree(archive / "content")
    assert all(text in (before.get(path), after[path]) for path, text in found.items())
    dask.worker("--no-nanny")
    assert crawl(archive, "--dask", dask.address, name="reextract").returncode == 0
    assert tree(archive / "content") == after


@pytest.mark.parametrize("address", ["scheduler", "scheduler:8786", "tcp://scheduler", "tcp://a:port", "http://a:1"])
def test_an_address_that_is_none(archive: Path, crawl: Crawl, address: str) -> None:
    result = crawl(archive, "--dask", address, name="verify")
    assert (result.returncode, result.stdout) == (2, "")
    assert "expected the address of a scheduler" in result.stderr
