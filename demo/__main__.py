"""`python -m demo [FOLDER]`: serve the demo site on this machine, crawl it, print where the archive is."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from demo.crawl import FAST, PROJECT, command, no_proxy_variables, site_settings
from demo.server import Server
from demo.site import Site


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description="Crawl the bundled demo site on this machine.")
    parser.add_argument("folder", metavar="FOLDER", type=Path, nargs="?", default="output/demo", help="the archive")
    archive = parser.parse_args().folder.resolve()
    server = Server(Site(local_pictures=True))
    server.start()
    print(f"The demo site listens on {server.url}; its articles are made up.", flush=True)  # before the crawl writes
    settings = {**site_settings(server.url), **FAST, "ARCHIVE_PICTURES": True, "LOG_LEVEL": "WARNING"}
    try:
        # Scrapy's reactor needs its own process, and this is the command that a user would type.
        line, env = command("crawl qq", archive, **settings), os.environ | no_proxy_variables()
        code = subprocess.run(line, cwd=PROJECT, env=env, check=False).returncode
    finally:
        server.stop()
    if code != 0:
        print(f"The crawl of the demo site failed (exit code {code}): see its log lines above.", file=sys.stderr)
        return code if code > 0 else 1
    files = sorted((archive / "content").rglob("*.md"))
    print("Look, for example, at")
    for file in files[-3:]:
        print(f"  {shown(file)}  {file.read_text('utf-8').splitlines()[1].removeprefix('title: ')}")
    print(f"`make serve ARCHIVE={shown(archive)}` shows them as a site, `make demo` again finds nothing new.")
    return 0


def shown(path: Path) -> Path:
    """The path relative to the project's folder where it is inside of it."""
    return path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path


if __name__ == "__main__":
    sys.exit(main())
