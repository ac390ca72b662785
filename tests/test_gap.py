"""docs/gap.md: the same command, night after night, until nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import Crawl, DemoSite


def test_each_night_goes_on_where_the_last_one_ended(
    new_site: Callable[..., DemoSite], crawl: Crawl, tmp_path: Path
) -> None:
    site, fetched = new_site(articles=60), []
    gap = ("-a", "sitemap=1", "-a", "since=2020-01-01", "-a", "until=2026-11-30", "-a", "limit=40")
    for _ in range(3):
        site.site.forget()
        result = crawl(tmp_path, *gap, site=site)
        assert result.returncode == 0, result
        fetched.append({path for path in site.site.counts() if path.startswith("/rain/a/")})
    assert [len(each) for each in fetched[::2]] == [40, 0]
    assert 0 < len(fetched[1]) < 40
    assert not fetched[0] & fetched[1]
    assert not crawl(tmp_path, name="verify").returncode
