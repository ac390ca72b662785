"""Videos: wherever a page hides one, the article links to it or says that it was there."""

from __future__ import annotations

import pytest

from newsarchive import read_article
from tests.test_pages_odd import served
from tests.test_pages_refused import TEXT


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("videoArr.push({'title':'面访','vid':'k30n5noodle'})", ["[面访](k30n5noodle)"]),
        ('videoArr.push( { "title" : "a}) b", "vid" : "k30n5noodle" } );', ["[a}) b](k30n5noodle)"]),
        ('videoArr.push({"vid":"k30n5noodle"},{"vid":"m30n5noodle"})', ["[视频](k30n5noodle)", "[视频](m30n5noodle)"]),
        ('videoArr.push({"title":"\\u9762 \\"x\\"","vid":"k30n5noodle"})', ['[面 "x"](k30n5noodle)']),
        (r"videoArr.push({title:'it\'s \"x\"',vid:'k30n5noodle'})", ['[it\'s "x"](k30n5noodle)']),
        ("videoArr.push({title:'a<b>c</b>',vid:'k30n5noodle'})", ["[a\\<b>c\\</b>](k30n5noodle)"]),
        ("videoArr=[{vid:'k30n5noodle'}]", ["[视频](k30n5noodle)"]),
        ("if(1){videoArr[0]={vid:'k30n5noodle'}}", ["[视频](k30n5noodle)"]),
        ("videoArr.push({title:'没有编号'})", ["视频：没有编号"]),
    ],
)
def test_videos_of_an_inline_script(script: str, expected: list[str]) -> None:
    article = read_article(served(f"{TEXT}<script>{script}</script><p>后</p>"))
    links = [line.replace("https://v.qq.com/x/page/", "").replace(".html", "") for line in article.body.split("\n\n")]
    assert links[1:-1] == expected
    assert article.family == "F2"
