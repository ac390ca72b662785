"""An archive with pictures, with facts in `ARCHIVE_FRONT_MATTER`, and with articles that were edited and removed."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

from newsarchive import render
from newsarchive.archive.files import content_path
from newsarchive.markdown.document import with_fields
from tests.awkward import article

EDITED, REMOVED, BACK, PICTURES, UNCHANGED = (article(number) for number in range(5))
FORMER = f"revisions/qq/{EDITED.article_id}/20261104T001500Z.md"
STAMPS = {
    "edited": "2026-11-05T10:00:00+00:00",
    "removed": "2026-11-06T20:02:03+00:00",
    "back": "2026-11-07T01:00:00+00:00",
}
FIELDS = {
    "author": "第一财经",
    "channels": ("财经", "港股"),
    "site_tags": ("银行", "<渔业>"),
    "lastmod": "2026-11-05 17:59:00",
    "source_url": EDITED.url,
}
WIDE, SMALL, MOVING, BROKEN = (f"/pictures/qq/2026/11/x/{name}" for name in ("w.png", "s.png", "m.gif", "b.png"))
CAPTIONS = ["（招股书）", "*斜体*", "图源：视觉中国", "近日，店内忙碌。董易鑫 摄", "孩子们轮流登记风速"]
TEXT = [
    "他说完就走了。",
    "**小标题**",
    "这一段话很长，" * 20 + "没有句号",
    "真的吗？",
    "本报记者卢晓 北京报道",
    "文 / 巴九灵",
]


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\x30\x60\x90" * width) * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def write_archive(folder: Path) -> None:
    moving = (Path(__file__).parent.parent / "demo" / "media" / "moon.gif").read_bytes()
    pictures = {WIDE: png(1600, 900), SMALL: png(300, 40), MOVING: moving, BROKEN: b"\x89PNG\r\n\x1a\n"}
    body = [f"![图片]({path})\n\n文字在后。" for path in pictures]
    body += [f"![图片]({SMALL})\n\n{text}" for text in CAPTIONS + TEXT]
    documents: dict[str, bytes] = {
        str(content_path("qq", it.published, it.article_id)): render(it).encode()
        for it in (REMOVED, BACK, UNCHANGED, article(3, thumbnail=WIDE, body="\n\n".join(body)))
    }
    documents[path_of_document(EDITED)] = with_fields(render(EDITED), FIELDS).encode()
    former = render(article(0, title="旧的标题", body="码头上有人卖*冷*豆浆。"))
    documents[FORMER] = former.encode()
    documents["changes.json"] = json.dumps({"days": 0, "changes": changes()}, ensure_ascii=False).encode()
    for name, data in {**documents, **{path[1:]: data for path, data in pictures.items()}}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def path_of_document(each: Any) -> str:
    return str(content_path("qq", each.published, each.article_id))


def changes() -> list[dict[str, Any]]:
    def change(each: Any, kind: str, **more: Any) -> dict[str, Any]:
        path = path_of_document(each)
        about = {"id": each.article_id, "source": "qq", "kind": kind, "time": STAMPS[kind]}
        about |= {"title": each.title, "path": path, "previous": "", "changed": [], "added": 0, "removed": 0}
        return {**about, "difference": [], "versions": [{"path": path, "time": STAMPS["edited"]}], **more}

    present = {"path": path_of_document(EDITED), "time": STAMPS["edited"]}
    edit = {
        "previous": FORMER,
        "changed": ["title", "text"],
        "added": 1,
        "removed": 1,
        "difference": [["=", "第0号…人卖"], ["-", "<冷>"], ["+", "热"], ["=", "豆浆。"]],
        "versions": [{"path": FORMER, "time": "2026-11-04T00:15:00+00:00"}, present],
    }
    return [
        change(BACK, "back"),
        change(REMOVED, "removed"),
        change(BACK, "removed"),
        change(EDITED, "edited", **edit),
    ]
