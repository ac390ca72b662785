"""The report in a real browser, from its file: Debian's Chromium, headless."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from newsarchive.archive.ledger import Ledger
from newsarchive.archive.tables import ChangeKind
from newsarchive.health.report import report
from newsarchive.health.statistics import statistics
from tests.chromium import Browser, chromium
from tests.test_report import ELEVEN, HOSTILE, HOUR, NOW, a_bit_of_everything, add, change, quarantine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("report")
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        a_bit_of_everything(ledger)
        row = add(ledger, "B1", ELEVEN - timedelta(days=3), title=HOSTILE, publisher=HOSTILE, channels=(HOSTILE,))
        change(ledger, row, ChangeKind.EDITED, ELEVEN + HOUR, "title")
        quarantine(folder, "A8", '{"url": "u", "reason": "<script>alert(2)</script>"}')
        for language in ("en", "zh"):
            page = report(statistics(folder, ledger, NOW), language)
            (folder / f"{language}.html").write_text(page, "utf-8")
    with chromium(folder / "profile", folder) as opened:
        yield opened


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 390])
def test_the_report_opens_without_a_complaint(browser: Browser, language: str, scheme: str, width: int) -> None:
    browser.open(f"/{language}.html", width=width, scheme=scheme)
    titles = {"en": "Articles published by day", "zh": "发布的文章（按日）"}
    assert titles[language] in browser.texts("h3")
    assert browser.script("return document.querySelectorAll('figure svg').length") == 14
    assert browser.is_quiet()
    browser.script("document.querySelectorAll('details').forEach(it => { it.open = true; })")
    assert HOSTILE in browser.texts("figure th")
    assert browser.is_quiet()
    browser.keep(f"report-{language}-{scheme}-{width}")


def test_the_charts_have_the_colours_that_a_reader_prefers(browser: Browser) -> None:
    """Text, bars and lines, each far enough from the paper."""
    look = (
        "const drawn = Array.from(document.querySelectorAll('svg [fill]:not([fill=none])'));"
        "return drawn.map(it => getComputedStyle(it).fill).concat(getComputedStyle(document.body).backgroundColor)"
    )
    for scheme, is_light in (("light", True), ("dark", False)):
        browser.open("/en.html", scheme=scheme)
        *drawn, paper = [brightness(color) for color in browser.script(look)]
        assert (paper > 0.8) == is_light
        contrasts = [(max(it, paper) + 0.05) / (min(it, paper) + 0.05) for it in drawn]
        assert len(contrasts) > 200
        assert min(contrasts) > 3


def brightness(color: str) -> float:
    """Relative luminance, as WCAG has it."""
    parts = [int(part) / 255 for part in color.partition("(")[2].rstrip(")").split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_report_prints_on_paper_that_is_light(browser: Browser, tmp_path: Path) -> None:
    browser.open("/zh.html", scheme="dark")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.script("return getComputedStyle(document.querySelector('details')).display") == "none"
    printed = browser.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
