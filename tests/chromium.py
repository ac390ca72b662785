"""Debian's Chromium, headless, for tests that look at pages as a reader does."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
# Without the last ones Chromium asks its maker's servers for news of its own.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have 64 MB of it
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Quiet(SimpleHTTPRequestHandler):
    """A plain file server that logs nothing."""

    def log_message(self, *args: Any) -> None: ...


@dataclass(frozen=True)
class Browser:
    driver: Any
    url: str

    def open(self, path: str, *, width: int = 1100, height: int = 850, scheme: str = "light") -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        self.driver.get(self.url + path)

    def script(self, text: str) -> Any:
        return self.driver.execute_script(text)

    def texts(self, selector: str) -> list[str]:
        return list(self.script(f"return Array.from(document.querySelectorAll({selector!r}), it => it.innerText)"))

    def wait(self, what: Callable[[], Any]) -> Any:
        """Twenty seconds at most."""
        for _ in range(400):
            if found := what():
                return found
            time.sleep(0.05)
        raise TimeoutError(self.script("return document.body.innerText"))

    def pictures(self) -> list[dict[str, Any]]:
        """After scrolling to each of them, because they load when they are reached."""
        self.script("for (const it of document.images) { it.loading = 'eager'; }")
        self.wait(lambda: self.script("return Array.from(document.images).every(it => it.complete)"))
        return list(
            self.script("return Array.from(document.images, it => ({url: it.currentSrc, width: it.naturalWidth}))")
        )

    def is_quiet(self) -> bool:
        """Nothing on the console, nothing asked of another host, nothing wider than the window."""
        asked = self.script("return performance.getEntriesByType('resource').map(it => it.name)")
        assert [url for url in asked if not url.startswith(self.url)] == []
        assert self.driver.get_log("browser") == []
        wide, window = self.script("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= window
        return True

    def keep(self, name: str) -> None:
        if folder := os.environ.get("NEWSARCHIVE_SCREENSHOTS"):
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))


@contextmanager
def chromium(profile: Path, folder: Path) -> Iterator[Browser]:
    """A browser for the pages in a folder, which a server of its own serves; skips the test without Chromium."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium: pip install '.[browser]'")
    if not CHROMIUM or not DRIVER:
        pytest.skip("no Chromium: apt-get install chromium chromium-driver (and fonts-noto-cjk)")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        try:
            yield Browser(driver, f"http://127.0.0.1:{server.server_port}")
        finally:
            driver.quit()
            server.shutdown()
