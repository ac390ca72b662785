"""Front matter that parses back to the same text."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import frontmatter
import yaml
from hypothesis import given
from hypothesis import strategies as st

from newsarchive.items import Article
from newsarchive.markdown.document import clean_value, render, summarize

BEIJING = timezone(timedelta(hours=8))


def article(**changes: object) -> Article:
    usual: dict[str, object] = {
        "source": "qq",
        "article_id": "20261103A01ABC00",
        "url": "https://new.qq.com/rain/a/20261103A01ABC00",
        "title": "江城新桥合龙",
        "published": datetime(2026, 11, 3, 9, 10, 11, tzinfo=BEIJING),
        "summary": "短讯。",
        "thumbnail": "https://inews.gtimg.com/om_ls/Okey_640360/0",
        "body": "短讯。",
    }
    return Article(**(usual | changes))  # type: ignore[arg-type]


def test_the_whole_file() -> None:
    assert render(article()) == (
        '---\ntitle: "江城新桥合龙"\ndate: "2026-11-03 09:10:11"\nsummary: "短讯。"\n'
        'categories:\n  - "qq"\nlang:\n  - "zh-CN"\ntranslations:\n  - "zh-CN"\ntags:\n  - "qq"\n'
        'menu: ""\nthumbnail: "https://inews.gtimg.com/om_ls/Okey_640360/0"\nlead: ""\ncomments: false\n'
        'authorbox: false\npager: true\ntoc: false\nmathjax: false\nsidebar: "right"\n'
        'widgets:\n  - "search"\n  - "recent"\n  - "taglist"\n---\n\n短讯。\n\n'
        "[qq](https://new.qq.com/rain/a/20261103A01ABC00)\n"
    )


def test_a_body_that_begins_with_a_space_keeps_it() -> None:
    assert "---\n\n 文\n\n[qq]" in render(article(body=" 文"))


def test_an_id_as_a_title_stays_text() -> None:
    for title in ("20240101E0001200", "true", "null", "~", "- 甲", "# 甲", "甲: 乙", "{{< x >}}", "!tag", "&a *b"):
        assert frontmatter.loads(render(article(title=title)))["title"] == title


def test_what_a_value_cannot_hold() -> None:
    assert clean_value("甲\n乙\r丙\t丁") == "甲 乙 丙 丁"
    assert clean_value("\ufeff 甲\x00\x1b\x7f\x85\ud800\uffff乙 ") == "甲乙"
    assert clean_value("“甲”\u00a0🙂\u3000乙\\\"'") == "“甲”\u00a0🙂\u3000乙\\\"'"


@given(st.text(max_size=200) | st.text(alphabet="'\"\\\n\r\t:#-{}[]&*!|>%@`,?~ \u2028\u2029\u0085甲", max_size=60))
def test_every_title_and_summary_parses_back(text: str) -> None:
    cleaned = clean_value(text)
    document = render(article(title=text, summary=text, thumbnail=text))
    assert document.split("\n").index("---", 1) == 25, "24 lines between the marks, none folded"
    metadata = yaml.safe_load(document.split("\n---\n")[0])
    assert (metadata["title"], metadata["summary"], metadata["thumbnail"]) == (cleaned, cleaned, cleaned)
    assert frontmatter.loads(document)["title"] == cleaned


def test_a_long_title_is_not_folded() -> None:
    title = "长 " * 3000 + "尾"
    assert f'\ntitle: "{title}"\n' in render(article(title=title))


def test_summaries() -> None:
    assert summarize("甲" * 79) == "甲" * 79
    assert summarize("甲" * 80) == "甲" * 50 + "..."
    assert summarize("  甲 \n 乙\u00a0\u3000丙 ") == "甲 乙 丙"
    assert summarize("🙂" * 80) == "🙂" * 50 + "..."
    assert summarize("") == ""


def test_a_minute_without_seconds_gets_them() -> None:
    assert 'date: "2019-09-23 07:48:00"' in render(article(published=datetime(2019, 9, 23, 7, 48, tzinfo=BEIJING)))
