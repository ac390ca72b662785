"""A PostgreSQL server of the tests' own, on loopback, from Debian's package or another one on the PATH."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

USER = "newsarchive"
PASSWORD = "hunter2"


def programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`."""
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda it: float(it.parent.name))
    return Path(found).resolve().parent if found else debian[-1] if debian else None


class Server:
    """Its user has to give a password, as on a real one."""

    def __init__(self, folder: Path, bin_: Path) -> None:
        self.folder = folder
        self.bin = bin_
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://{USER}:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if os.getuid() == 0:
            shutil.chown(password, "postgres")
        options = f"-U {USER} -A scram-sha-256 --pwfile {password} -E UTF8 --locale=C.UTF-8 -N".split()
        self._run("initdb", "-D", str(self.folder / "data"), *options)
        self.start()

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -h 127.0.0.1 -c fsync=off -c max_connections=40"
        self._run(
            "pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", str(self.folder / "log"), "-o", options, "start"
        )

    def stop(self) -> None:
        """As a restart of the machine does: every connection ends at once."""
        self._control("-m", "immediate", "stop")

    def sql(self, statement: str) -> None:
        import psycopg  # noqa: PLC0415  -- an extra

        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"SET search_path TO newsarchive; {statement}".encode())

    def asked(self, question: str) -> Any:
        """The one value that it asks for."""
        import psycopg  # noqa: PLC0415  -- an extra

        with psycopg.connect(self.url.replace("+psycopg", "")) as connection:
            (answer,) = connection.execute(question.encode()).fetchone() or (None,)
        return answer

    def emptied(self) -> str:
        """The URL of a database without tables."""
        self.sql("""DO $$ DECLARE name text; BEGIN
            FOR name IN SELECT nspname FROM pg_namespace WHERE nspname LIKE 'newsarchive%' LOOP
                EXECUTE 'DROP SCHEMA ' || name || ' CASCADE';
            END LOOP;
        END $$""")
        return self.url

    def _control(self, *words: str) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", *words)

    def _run(self, program: str, *words: str) -> None:
        line = [str(self.bin / program), *words]
        if os.getuid() == 0:  # which PostgreSQL refuses
            runuser = shutil.which("runuser", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or "runuser"
            line = [runuser, "-u", "postgres", "--", *line]
        subprocess.run(line, check=True, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextmanager
def running() -> Iterator[Server]:
    """Skips the test where there is no PostgreSQL."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: the extra `cluster` has it")
    bin_ = programs()
    if bin_ is None:
        pytest.skip("no PostgreSQL on this machine: Debian's package postgresql has it")
    folder = Path(tempfile.mkdtemp(prefix="newsarchive-postgres-"))  # its user cannot look into pytest's own folders
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    server = Server(folder, bin_)
    try:
        server.make()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
