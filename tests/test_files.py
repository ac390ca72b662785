"""Files are whole or absent, and nothing hostile reaches a path."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from newsarchive.archive import files

BEIJING = timezone(timedelta(hours=8))


def test_year_and_month_are_those_of_beijing() -> None:
    new_year = datetime(2025, 1, 1, 0, 30, tzinfo=BEIJING)
    path = files.content_path("qq", new_year, "20250101A00AB100")
    assert path.as_posix() == "content/qq/2025/01/20250101A00AB100.md"


@pytest.mark.parametrize(
    "hostile", ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", "-x", "a\n", "a" * 65, "甲", "a\0b"]
)
def test_nothing_but_an_id_reaches_a_path(hostile: str) -> None:
    now = datetime(2025, 1, 1, tzinfo=UTC)
    makers: list[Callable[[], object]] = [
        lambda: files.content_path("qq", now, hostile),
        lambda: files.content_path(hostile, now, "20250101A00AB100"),
        lambda: files.revision_path("qq", hostile, now),
        lambda: files.quarantine_path("qq", hostile),
    ]
    for make in makers:
        with pytest.raises(ValueError, match="cannot be"):
            make()


def test_revisions_of_one_second_have_names_of_their_own_in_order() -> None:
    when = datetime(2025, 2, 11, 14, 30, 0, 999, tzinfo=BEIJING)
    names = [files.revision_path("qq", "X1", when, nth).name for nth in (1, 2, 3)]
    assert names == ["20250211T063000Z.md", "20250211T063000Z_2.md", "20250211T063000Z_3.md"]
    assert names == sorted(names)


def test_a_whole_file_appears_with_its_folders(tmp_path: Path) -> None:
    target = tmp_path / "content" / "qq" / "a.md"
    files.write_text(target, "一\n")
    assert target.read_bytes() == "一\n".encode()
    assert [path.name for path in target.parent.iterdir()] == ["a.md"]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "a.md"
    files.write_text(target, "former")
    with pytest.raises(TypeError, match="bytes-like"), files.whole_file(target) as file:
        file.write("text")  # type: ignore[call-overload]
    assert target.read_text() == "former"
    assert list(tmp_path.iterdir()) == [target]


def test_the_name_shows_the_former_file_until_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "a.md"
    files.write_text(target, "former")
    with files.whole_file(target) as file:
        file.write(b"new")
        file.flush()
        assert target.read_text() == "former"
        assert [path.name[0] for path in files.stray_files(tmp_path)] == ["."]
    assert target.read_text() == "new"
    assert list(files.stray_files(tmp_path)) == []


def test_files_get_the_rights_that_the_user_wants(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.touch()
    files.write_bytes(tmp_path / "written", b"")
    assert (tmp_path / "written").stat().st_mode == made.stat().st_mode


def test_stray_files_are_only_our_own(tmp_path: Path) -> None:
    stray = tmp_path / "content" / "qq" / ".a.md.0123456789ab.part"
    stray.parent.mkdir(parents=True)
    for path in (stray, tmp_path / "a.part", tmp_path / ".lock"):
        path.touch()
    assert list(files.stray_files(tmp_path)) == [stray]
