"""docs/rehearse.md: its commands, in one shell, print what it shows; it has every switch of the demo site."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from demo.crawl import PROJECT
from demo.faults import Faults
from demo.server import control
from demo.site import Site
from tests.conftest import session
from tests.documented import PAGES

PAGE = PAGES["rehearse.md"]
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARIES = re.compile(r"…|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\d{8}T\d{6}Z|(?<= in )\d+(?= s$)|/home/you/newsarchive/output")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl: apt-get install curl")
def test_its_commands_print_what_it_shows(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    wait = f"until curl --silent --output /dev/null http://127.0.0.1:{port}/_control; do sleep 0.1; done\n"
    commands, shown = "", ""
    for kind, text in BLOCK.findall(PAGE):
        if kind == "sh":
            commands += text + (wait if "demo.server" in text else "")
        else:
            shown += text
    commands = commands.replace("8000", str(port)).replace("output/rehearsal", str(tmp_path / "archive"))
    commands = commands.replace(". .venv/bin/activate", f"PATH={Path(sys.executable).parent}:$PATH")
    line = ["bash", "-c", f"trap 'kill %1' EXIT\n{commands}trap - EXIT"]
    with session(line, cwd=PROJECT, stderr=subprocess.STDOUT) as shell:
        output, _ = shell.communicate(timeout=300)
    place = 0
    for each in shown.replace("8000", str(port)).replace("rehearsal/", "archive/").splitlines():
        pattern = ".*".join(map(re.escape, VARIES.split(each)))
        found = re.compile(pattern).search(output, place)
        assert found, f"not printed, or not here: {each}\n{output}"
        place = found.end()


def test_it_has_every_switch_and_every_fault() -> None:
    switches = control(Site(), b'{"do": "nothing that it knows"}').body.decode().partition("expected ")[2]
    in_tables = set(re.findall(r"`([a-z_-]+)`", PAGE.partition("# All switches\n")[2]))
    assert in_tables >= {*switches.strip().split(", ")}
    with pytest.raises(ValueError, match="expected a status or one of") as raised:
        Faults().add("/*", "nothing that it knows")
    assert in_tables >= {*str(raised.value).partition("one of ")[2].split(", ")}
