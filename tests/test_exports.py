"""What `-o` and `-O` export: JSON alone on standard output, where each document is, what it was to the archive."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.conftest import Crawl, DemoSite

ONE, OTHER = "20261104A05T2Q00", "20261104A03K7P00"
BOTH = ("-a", f"urls={ONE},{OTHER}")


def test_exports(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    files = [tmp_path / f"new.{ending}" for ending in ("json", "csv", "xml")]
    to_files = [word for file in files for word in ("-O", str(file))]

    first = crawl(archive, *BOTH, "-O", "-:jsonl", *to_files, site=demo_site)
    assert first.returncode == 0, first
    items = [json.loads(line) for line in first.stdout.splitlines()]
    assert {item["article_id"]: (item["path"], item["change"], item["published"]) for item in items} == {
        ONE: (f"content/qq/2026/11/{ONE}.md", "new", "2026-11-04T10:47:05+08:00"),
        OTHER: (f"content/qq/2026/11/{OTHER}.md", "new", "2026-11-04T08:12:40+08:00"),
    }
    assert "松塔实验室开源18B语音模型" in first.stdout
    assert first.logged("WARNING") == []
    assert "2 new" in first.stderr
    as_json, as_csv, as_xml = files
    assert sorted(map(str, json.loads(as_json.read_bytes()))) == sorted(map(str, items))
    with as_csv.open(encoding="utf-8", newline="") as lines:
        rows = {row["article_id"]: row for row in csv.DictReader(lines)}
    entries = {str(entry.findtext("article_id")): entry for entry in ET.parse(as_xml).getroot()}
    for item in items:
        for name in ("path", "change", "published", "title", "body"):
            assert rows[item["article_id"]][name] == entries[item["article_id"]].findtext(name) == item[name]

    demo_site.site.rewrite(OTHER, "招牌", "门匾")
    (archive / "content" / "qq" / "2026" / "11" / f"{ONE}.md").unlink()
    second = crawl(archive, *BOTH, "-o", "-:json", site=demo_site)
    assert second.returncode == 0, second
    changes = {item["article_id"]: item["change"] for item in json.loads(second.stdout)}
    assert changes == {ONE: "restored", OTHER: "revised"}

    third = crawl(archive, *BOTH, "-O", str(as_json), site=demo_site)
    assert (third.returncode, third.stderr, json.loads(as_json.read_bytes())) == (0, "", []), third
    assert "2 unchanged" in third.stdout


def test_an_export_that_a_setting_names_has_standard_output_for_itself_too(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path
) -> None:
    feeds = json.dumps({"stdout:": {"format": "jsonlines"}})
    result = crawl(tmp_path, "-a", f"urls={ONE}", site=demo_site, FEEDS=feeds, ARCHIVE_PAGES=False)
    assert result.returncode == 0, result
    (item,) = map(json.loads, result.stdout.splitlines())
    assert datetime.fromisoformat(item["published"]).utcoffset() == timedelta(hours=8)
    assert "1 new" in result.stderr
    nothing = crawl(tmp_path, "-o", "-:jsonl", name="retry")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "Nothing in quarantine.\n")
