"""What the site has edited and removed is noted, listed and written for sites; more front matter on request."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsarchive import Article, render
from newsarchive.archive.archive import Archive, Reading
from newsarchive.archive.changes import compare, difference, shortened, versions, write_changes
from newsarchive.archive.documents import Change, document_body
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.rebuild import rebuild
from newsarchive.archive.tables import ChangeKind, ChangeRow, State
from newsarchive.commands.reextract import reextract
from newsarchive.items import Page
from newsarchive.markdown.document import reference_part, with_fields
from newsarchive.options import FIELDS, Options
from tests.archived import connection, make_due
from tests.conftest import Crawl, DemoSite

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
ID = "20261031A00AB100"
BEIJING = datetime(2026, 10, 31, 23, 30, tzinfo=UTC).astimezone().tzinfo


def changes(archive: Path, article_id: str = "") -> list[ChangeRow]:
    with Ledger.open(archive / "ledger.sqlite", read_only=True) as ledger:
        return ledger.changes_of("qq", article_id) if article_id else list(ledger.changes())


def for_sites(archive: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((archive / "changes.json").read_text("utf-8"))["changes"]
    return found


# how versions differ


def test_chinese_is_compared_by_characters_and_latin_by_words() -> None:
    assert compare("GDP增长4.5%，这次超预期", "GDP增长5.2%，这次低于预期") == [
        ("=", "GDP增长"), ("-", "4.5"), ("+", "5.2"), ("=", "%，这次"), ("-", "超"), ("+", "低于"), ("=", "预期"),
    ]  # fmt: skip


@given(st.text("甲乙丙ab \n", max_size=60), st.text("甲乙丙ab \n", max_size=60))
def test_a_difference_has_both_texts_whole(old: str, new: str) -> None:
    parts = compare(old, new)
    assert "".join(text for sign, text in parts if sign != "+") == old
    assert "".join(text for sign, text in parts if sign != "-") == new
    assert all(text for _, text in parts)
    signs = "".join(sign for sign, _ in parts)
    assert not re.search(r"==|--|\+\+|\+-", signs)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("的地" * 20_000, "地的的" * 15_000),
        ("甲\n" * 50_000, "甲\n\n" * 40_000),
        ("a b " * 30_000, "b a " * 30_000),
        ("甲" * 1_000_000, "乙" * 1_000_000),
    ],
)
def test_texts_made_to_cost_time_are_compared(old: str, new: str) -> None:
    parts = compare(old, new)
    assert "".join(text for sign, text in parts if sign != "+") == old


def test_a_short_difference_shows_what_is_around_a_change() -> None:
    long = "很长的一段没有改过的文字" * 20
    parts = shortened(compare(f"{long}三{long}", f"{long}四{long}"))
    assert parts[1:3] == [("-", "三"), ("+", "四")]
    assert parts[0][1].startswith("…")
    assert parts[0][1].endswith("改过的文字")
    assert parts[3][1].endswith("…")
    assert sum(len(text) for _, text in shortened(compare("旧" * 5_000, "新" * 5_000))) < 700


def document(**fields: object) -> str:
    values: dict[str, object] = {
        "source": "qq", "article_id": ID, "url": f"https://new.qq.com/rain/a/{ID}", "title": "题目",
        "published": NOW, "body": "第一段。\n\n![图片](https://x/1)\n\n第二段。",
    }  # fmt: skip
    return render(Article(**(values | fields)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("other", "changed"),
    [
        ({"title": "改过的题目"}, ("title",)),
        ({"published": NOW + timedelta(hours=1)}, ("time",)),
        ({"body": "第一段。\n\n![图片](https://x/2)\n\n第二段。"}, ("pictures",)),
        ({"body": "第一段。\n\n![图片](https://x/1)\n\n第三段。", "title": "又"}, ("title", "text")),
        ({"thumbnail": "https://x/0"}, ()),
    ],
)
def test_what_an_edit_has_changed(other: dict[str, object], changed: tuple[str, ...]) -> None:
    assert difference(document(), document(**other)).changed == changed


def test_versions_that_cannot_be_read_are_empty() -> None:
    found = difference("---\n: [\n---\n\n字\n\n[qq](https://x)\n", document())
    assert "title" in found.changed
    assert difference("", "").changed == ()


# what is noted


def test_the_whole_story_of_an_article(crawl: Crawl, demo_site: DemoSite, crawled: Path) -> None:
    story = next(it for it in demo_site.site.articles() if it.family == "F5" and it.version == "v2")
    [new] = changes(crawled, story.id)
    assert (new.kind, new.title, new.previous, new.changed) == (ChangeKind.NEW, story.title, "", ())
    assert for_sites(crawled) == [] == [it for it in changes(crawled) if it.kind is not ChangeKind.NEW]
    demo_site.site.edit(story.id, title=f"{story.title}（更新）")
    make_due(crawled)
    crawl(crawled, site=demo_site)
    demo_site.site.delete(story.id)
    for _ in range(2):  # that it is still removed is no other change
        make_due(crawled)
        assert crawl(crawled, site=demo_site).returncode == 0
    demo_site.site.publish(story.id)
    make_due(crawled)
    assert crawl(crawled, site=demo_site).returncode == 0
    _, edit, removed, back = found = changes(crawled, story.id)
    assert [it.kind for it in found] == list(ChangeKind)
    assert [it.time for it in found] == sorted(it.time for it in found)
    assert (edit.changed, edit.added, edit.removed) == (("title",), 4, 0)
    assert edit.difference[:2] == (("=", f"…{story.title[-15:]}"), ("+", "（更新）"))
    assert story.title in (crawled / edit.previous).read_text("utf-8")
    assert {it.path for it in found} == {new.path}
    with Ledger.open(crawled / "ledger.sqlite") as ledger:
        row = ledger.get("qq", story.id)
        assert row
        assert (row.title, row.edited, row.state) == (edit.title, edit.time, State.ARCHIVED)
        assert row.publisher == story.media
        assert [it.kind for it in ledger.changes(kinds=[ChangeKind.BACK, ChangeKind.EDITED])] == ["back", "edited"]
        assert list(ledger.changes(since=back.time + timedelta(seconds=1))) == []
        files = versions(crawled, row)
    assert [path for path, _ in files] == [edit.previous, new.path]
    written = for_sites(crawled)
    assert [it["kind"] for it in written] == ["back", "removed", "edited"]
    assert [it["path"] for it in written[2]["versions"]] == [edit.previous, new.path]  # type: ignore[attr-defined]
    assert written[2] == written[2] | {
        "id": story.id, "source": "qq", "title": edit.title, "path": new.path, "previous": edit.previous,
        "changed": ["title"], "added": 4, "removed": 0, "difference": [list(it) for it in edit.difference],
    }  # fmt: skip

    listed = crawl(crawled, name="changes").stdout.splitlines()
    assert [re.split(r"\s{2,}", line)[1:3] for line in listed[:3]] == [[it["kind"], story.id] for it in written]
    assert len(listed) == 16
    assert "title (+4 -0 characters)" in listed[2]
    history = crawl(crawled, story.id, "--diff", name="changes").stdout.splitlines()
    assert [line.split()[-1] for line in history if line.startswith("    ") and line.endswith(".md")] == [
        new.path, new.path, new.path, edit.previous,
    ]  # fmt: skip
    assert any(line.endswith("{+（更新）+}") for line in history)
    lines = crawl(crawled, "--json", "--kind", "removed,edited", "--limit", "1", name="changes").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"id": story.id, "source": "qq", "kind": "removed", "time": removed.time.isoformat(timespec="seconds"),
         "title": removed.title, "path": new.path, "previous": "", "changed": [], "added": 0, "removed": 0,
         "difference": []}
    ]  # fmt: skip
    none = crawl(crawled, "--since", "2999-01-01", name="changes")
    assert (none.stdout, none.stderr) == ("", "no such change is known\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "the ledger has no article nonsense of qq"),
        (["--kind", "gone"], "--kind gone: expected some of new, edited, removed, back"),
        (["--since", "yesterday"], "--since yesterday: expected a day like 2026-11-01"),
        (["--limit", "-1"], "--limit -1: expected a whole number of at least 0"),
        (["a", "b"], "expected one article id at most, got a b"),
    ],
)
def test_what_changes_does_not_understand(crawl: Crawl, crawled: Path, arguments: list[str], said: str) -> None:
    result = crawl(crawled, *arguments, name="changes")
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"scrapy changes: {said}\n")


# without a site


def page(**fields: object) -> Page:
    return Page(**({"source": "qq", "url": "https://x", "html": b"", "fetched": NOW} | fields))  # type: ignore[arg-type]


class Kept:
    """An archive in which articles are put without a crawl."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.options = Options(dir=folder, **options)  # type: ignore[arg-type]
        self.time = NOW

    def put(self, *, by_site: bool = True, **fields: object) -> None:
        text = document(**fields)
        values: dict[str, object] = {
            "source": "qq", "article_id": ID, "url": f"https://new.qq.com/rain/a/{ID}", "title": "题目",
            "published": NOW, "body": "第一段。\n\n![图片](https://x/1)\n\n第二段。", "publisher": "第一财经",
            "channels": ("finance",),
        }  # fmt: skip
        article = Article(**(values | fields))  # type: ignore[arg-type]
        with Archive.open(self.options, purpose="test", now=lambda: self.time) as archive:
            row = archive.ledger.get("qq", ID)
            reading = Reading(page=page(), row=row, article=article, document=text)
            reading.change = archive.compare(row, text)
            if reading.change is Change.UNCHANGED:
                assert row
                archive.mark_unchanged(row, reading)
            else:
                archive.put(reading, lambda file: file.write(reading.file_text.encode()), by_site=by_site)
            write_changes(archive.folder, archive.ledger, now=self.time, days=self.options.changes_days)

    @property
    def file(self) -> str:
        return next(self.options.dir.glob("content/**/*.md")).read_text("utf-8")


def test_a_better_parser_is_no_edit(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.put()
    kept.put(body="besser", by_site=False)
    assert [it.kind for it in changes(tmp_path)] == ["new"]
    assert len(list(tmp_path.glob("revisions/**/*.md"))) == 1


def test_changes_of_so_many_days_are_for_sites(tmp_path: Path) -> None:
    kept = Kept(tmp_path, changes_days=2)
    kept.put()
    kept.time += timedelta(hours=1)
    kept.put(title="改过的题目")
    assert len(for_sites(tmp_path)) == 1
    written = (tmp_path / "changes.json").stat().st_mtime_ns
    kept.put(title="改过的题目")
    assert (tmp_path / "changes.json").stat().st_mtime_ns == written  # nothing new: a site is not built again
    kept.time += timedelta(days=3)
    kept.put(title="改过的题目")
    assert for_sites(tmp_path) == []
    (tmp_path / "changes.json").write_text("torn")
    kept.put(title="改过的题目")
    assert for_sites(tmp_path) == []
    everything = Kept(tmp_path, changes_days=0)
    everything.time = kept.time
    everything.put(title="改过的题目")
    assert len(for_sites(tmp_path)) == 1


def test_a_new_edition_was_edited_when_it_was_published(tmp_path: Path) -> None:
    kept = Kept(tmp_path, front_matter=("lastmod",))
    kept.put()
    assert 'lastmod: "2026-11-01 12:00:00"\n---' in kept.file
    kept.time += timedelta(days=1)
    kept.put(published=NOW + timedelta(hours=3), body="新的一期")
    assert 'lastmod: "2026-11-01 15:00:00"\n---' in kept.file
    kept.time += timedelta(days=1)
    kept.put(published=NOW + timedelta(hours=3), body="又改了")
    assert 'lastmod: "2026-11-03 12:00:00"\n---' in kept.file
    kept.put(published=NOW + timedelta(hours=3), body="又改了")
    assert 'lastmod: "2026-11-03 12:00:00"\n---' in kept.file
    assert [it.changed for it in changes(tmp_path, ID)] == [(), ("text", "pictures", "time"), ("text",)]


# more front matter


def test_more_front_matter_follows_that_of_the_reference(tmp_path: Path) -> None:
    kept = Kept(tmp_path, front_matter=FIELDS)
    kept.put()
    assert kept.file == document().replace(
        '  - "taglist"\n---\n',
        '  - "taglist"\nauthor: "第一财经"\nchannels:\n  - "finance"\nsite_tags: []\n'
        f'lastmod: "2026-11-01 12:00:00"\nsource_url: "https://new.qq.com/rain/a/{ID}"\n---\n',
    )
    assert reference_part(kept.file) == document()
    assert Kept(tmp_path).put() is None  # type: ignore[func-returns-value]
    assert [it.kind for it in changes(tmp_path)] == ["new"]  # other fields are no edit


@given(st.text(), st.text())
def test_added_fields_can_be_taken_out(value: str, body: str) -> None:
    text = document(title=value, body=body)
    fields: dict[str, object] = {"author": value, "channels": (value,), "site_tags": ()}
    assert reference_part(with_fields(text, fields)) == reference_part(text) == text


def test_reextract_carries_out_another_front_matter(crawl: Crawl, demo_site: DemoSite, crawled: Path) -> None:
    def files() -> dict[str, str]:
        return {it.name: it.read_text("utf-8") for it in crawled.glob("content/**/*.md")}

    before = files()
    with_all = Options(dir=crawled, front_matter=FIELDS)
    assert reextract(with_all, "qq", frozenset(), dry_run=False) == 0
    after = files()
    assert {name: reference_part(text) for name, text in after.items()} == before
    assert all('\nauthor: "' in text and "\nsource_url: " in text for text in after.values())
    assert not (crawled / "revisions").exists()
    make_due(crawled)
    result = crawl(crawled, site=demo_site, ARCHIVE_FRONT_MATTER=",".join(FIELDS))
    assert result.status["last_run"]["counts"]["article/unchanged"] == len(before)
    assert files() == after
    assert crawl(crawled, name="verify").returncode == 0
    with Ledger.open(crawled / "ledger.sqlite") as ledger:
        rows = {it.article_id: it for it in ledger.rows() if it.path}
    for path in crawled.glob("ledger.sqlite*"):
        path.unlink()
    rebuild(crawled, now=datetime.now(UTC))
    with Ledger.open(crawled / "ledger.sqlite") as ledger:
        for row in ledger.rows():
            known = rows[row.article_id]
            assert row == replace(
                row, title=known.title, publisher=known.publisher, channels=known.channels,
                site_tags=known.site_tags, content_hash=known.content_hash, edited=known.edited,
            )  # fmt: skip
    assert reextract(Options(dir=crawled), "qq", frozenset(), dry_run=False) == 0
    assert files() == before
    assert {it.kind for it in changes(crawled)} == {ChangeKind.NEW}


def test_front_matter_that_there_is_not_is_refused(crawl: Crawl, tmp_path: Path) -> None:
    result = crawl(tmp_path, name="status", ARCHIVE_FRONT_MATTER="author,editor")
    assert result.returncode == 2
    assert "expected some of author, channels, site_tags, lastmod, source_url" in result.stderr


# ledgers that do not know


def test_a_rebuilt_ledger_knows_the_changes_of_the_files(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.put()
    for n in (1, 2):
        kept.time += timedelta(hours=1)
        kept.put(title=f"第{n}次改过的题目")
    known = changes(tmp_path, ID)
    for path in tmp_path.glob("ledger.sqlite*"):
        path.unlink()
    rebuild(tmp_path, now=datetime.now(UTC))
    found = changes(tmp_path, ID)
    assert [replace(it, time=NOW) for it in found] == [replace(it, time=NOW) for it in known]
    assert [it.time for it in found[:2]] == [it.time for it in known[:2]]
    (tmp_path / "ledger.sqlite").rename(tmp_path / "kept")
    rebuild(tmp_path, now=datetime.now(UTC))
    assert len(changes(tmp_path)) == 3
    rebuild(tmp_path, now=datetime.now(UTC))  # takes them over from the former ledger
    assert changes(tmp_path, ID) == found


def test_a_run_that_is_killed_between_file_and_ledger_has_made_one_edit(tmp_path: Path) -> None:
    kept = Kept(tmp_path, front_matter=("lastmod",))
    kept.put()
    ledger = (tmp_path / "ledger.sqlite").read_bytes()
    kept.time += timedelta(hours=1)
    kept.put(body="改过")
    (tmp_path / "ledger.sqlite").write_bytes(ledger)
    kept.time += timedelta(hours=1)
    kept.put(body="改过")
    _, edit = changes(tmp_path, ID)
    assert (edit.kind, edit.changed) == (ChangeKind.EDITED, ("text", "pictures"))
    assert [it.relative_to(tmp_path).as_posix() for it in tmp_path.glob("revisions/**/*.md")] == [edit.previous]
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        row = opened.get("qq", ID)
    assert row
    assert row.revision == 2


def test_listing_changes_reads_only_those_that_are_shown(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        with ledger.transaction():
            for n in range(1_000):
                ledger.add_change(ChangeRow(source="qq", article_id=f"A{n}", kind=ChangeKind.NEW, time=NOW))
        statements: list[str] = []
        connection(ledger).set_trace_callback(statements.append)
        assert next(iter(ledger.changes())).article_id == "A999"
        connection(ledger).set_trace_callback(None)
    [statement] = statements
    assert "LIMIT 200" in statement


@pytest.mark.parametrize(
    "front", ["---\ntitle: x\n---\n", "\n---\ntitle: x\n---\n", "---\n---\n", "---\n# x\n---\n", ""]
)
@pytest.mark.parametrize("body", ["甲", "甲\n\n---\n\n乙\n\n---\n\n丙"])
def test_the_body_of_a_document_that_a_person_has_edited(front: str, body: str) -> None:
    assert document_body(f"{front}\n{body}\n\n[qq](https://x.cn/)\n") == body
