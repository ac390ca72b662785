"""`python -m demo [FOLDER]`: serve the demo site on this machine, crawl it, say where the archive is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from demo.crawl import FAST, PROJECT, command, site_settings
from demo.server import Server
from demo.site import Site


def main() -> int:
    archive = Path(sys.argv[1] if len(sys.argv) > 1 else "output/demo").resolve()
    server = Server(Site(local_pictures=True))
    server.start()
    print(f"The demo site listens on {server.url}; its articles are made up.")
    settings = {**site_settings(server.url), **FAST, "ARCHIVE_PICTURES": True, "LOG_LEVEL": "WARNING"}
    try:
        # Scrapy's reactor wants a process of its own, and this is what a user would type.
        code = subprocess.run(command("crawl qq", archive, **settings), cwd=PROJECT, check=False).returncode
    finally:
        server.stop()
    files = sorted((archive / "content").rglob("*.md"))
    print(f"{len(files)} articles are in {archive / 'content'}, for example")
    for file in files[-3:]:
        print(f"  {file.relative_to(archive)}: {file.read_text('utf-8').splitlines()[1].removeprefix('title: ')}")
    return code


if __name__ == "__main__":
    sys.exit(main())
