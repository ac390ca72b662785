"""Videos: wherever a page hides one, the article links to it or says that it was there."""

from __future__ import annotations

import pytest

from newsarchive import read_article
from tests.test_pages_odd import IMAGE, OLD_URL, body, oldest, served, shown
from tests.test_pages_refused import TEXT, page


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
        ("videoArr.push({title:'甲&amp;乙 &quot;丙&quot;',vid:'k30n5noodle'})", ['[甲&乙 "丙"](k30n5noodle)']),
        ('var video = new tvp.VideoInfo();video.setVid("k30n5noodle");', ["[视频](k30n5noodle)"]),
        (
            "video . setTitle('x');a.setVid( 'k30n5noodle' );b.setVid('m30n5noodle')",
            ["[视频](k30n5noodle)", "[视频](m30n5noodle)"],
        ),
        ("video.setVid(vid);", []),
    ],
)
def test_videos_of_an_inline_script(script: str, expected: list[str]) -> None:
    article = read_article(served(f"{TEXT}<script>{script}</script><p>后</p>"))
    links = [line.replace("https://v.qq.com/x/page/", "").replace(".html", "") for line in article.body.split("\n\n")]
    assert links[1:-1] == expected
    assert article.family == "F2"


PAGE = "https://v.qq.com/x/page/k30n5noodle.html"
SHOWN = f"[视频]({PAGE})"
INTERFACE = (
    '<txpdiv data-role="txp-frame"><video src="https://cdn.cn/a.mp4?vkey=1"></video><div>片头 <span>5</span> 秒</div>'
    '<txpdiv class="txp_btn">倍速<img src="//x.cn/logo"></txpdiv>\n<txpdiv>VID</txpdiv><txpdiv>k30n5noodle</txpdiv>'
    "<div>音量50%</div></txpdiv>"
)

# where a paragraph is around it: a div would end the paragraph
INTERFACE_IN_LINE = INTERFACE.replace("<div>", "").replace("</div>", "")


@pytest.mark.parametrize(
    "player",
    [
        f"<txpdiv class='txp_player' id='txplayer_46fdfa0c'>{INTERFACE_IN_LINE}</txpdiv>",
        f"<div class='videoPlayerMin' id='k30n5noodle'>{INTERFACE.replace('VID', '')}</div>",
        f"<div class='a videoPlayer' id='videoplayer'><div class='txp_player'>{INTERFACE}</div>重播</div>",
        f"<div class='qnt-video'>{INTERFACE}</div>",
        "<div class='txp_player'><iframe src='//v.qq.com/txp/iframe/player.html?vid=k30n5noodle'></iframe>重播</div>",
    ],
)
def test_a_player_that_a_script_has_drawn_is_one_link(player: str) -> None:
    for read in (body, lambda text: read_article(served(text)).body):
        assert read(f"<p>前</p>{player}<p>后</p>") == f"前\n\n[视频]({PAGE})\n\n后"
        assert read(f"<p>前{player}中</p><p>后</p>") == f"前\n\n[视频]({PAGE})\n\n中\n\n后"
    script = "<script>videoArr.push({title:'面坊',vid:'k30n5noodle'})</script>"
    for both in (f"<p>{script}</p>{player}", f"{player}<p>{script}</p>"):
        assert read_article(served(f"{TEXT}{both}")).body.endswith(f"\n\n[面坊]({PAGE})"), "told once"


def test_a_player_that_does_not_tell_its_video() -> None:
    assert body("<p>前</p><div class='videoPlayer' id='videoplayer'>重播</div>") == "前\n\n视频"
    link = "[视频](https://cdn.cn/a.mp4)"
    assert body("<p>前</p><div class='videoPlayer'><video src='//cdn.cn/a.mp4'></video>重播</div>") == f"前\n\n{link}"
    hidden = "<div hidden><script>videoArr.push({vid:'k30n5noodle'})</script></div>"
    shown_one = f"<div class='videoPlayer' id='k30n5noodle'>重播</div>{hidden}"
    assert read_article(served(shown_one)).body == f"[视频]({PAGE})", "what nobody sees has told nothing"


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ("<object data='//static.video.qq.com/TPout.swf?vid=k30n5noodle&auto=0'></object>", f"[视频]({PAGE})"),
        ("<object><param name='movie' value='http://x.cn/p.swf?a=1&vid=k30n5noodle'>旧</object>", f"[视频]({PAGE})"),
        ("<object><PARAM NAME=Src VALUE=//x.cn/p.swf?vid=k30n5noodle></object>", f"[视频]({PAGE})"),
        ("<object data='p.swf'><param name=FlashVars value='vid=k30n5noodle&x=1'></object>", f"[视频]({PAGE})"),
        (
            "<object data='//x.cn/game.swf' type='application/x-shockwave-flash'></object>",
            "[视频](https://x.cn/game.swf)",
        ),
        ("<object><param name=movie value='//x.cn/a'><embed src='//x.cn/b'></object>", "[视频](https://x.cn/b)"),
        ("<object classid='clsid:x'><param><param name=movie></object>", "视频"),
        ("<object><p>请装播放器</p></object>", "请装播放器"),
        ("<object><img src='//x.cn/1'></object>", "![图片](https://x.cn/1)"),
        ("<mpvoice name='早间播报' voice_encode_fileid='x'></mpvoice>", "视频：早间播报"),
        ("<mp-common-videosnap data-url='//x.cn/cover' data-desc='甲&amp;乙'></mp-common-videosnap>", "视频：甲&乙"),
        ("<mp-common-mpaudio></mp-common-mpaudio>", "视频"),
        ("<qqmusic musicname='晚风'></qqmusic>", "视频：晚风"),
        ("<span class='video_iframe x' data-src='//v.qq.com/p?vid=k30n5noodle'></span>", f"[视频]({PAGE})"),
        ("<span class='video_iframe' data-src='//mp.cn/p?vid=wxv_1'></span>", "[视频](https://mp.cn/p?vid=wxv_1)"),
        *(
            (f"<{box} class='video_iframe'><{tag} src='//v.qq.com/p?vid=k30n5noodle'></{tag}></{box}>", SHOWN)
            for box, tag in (("div", "iframe"), ("span", "iframe"), ("span", "video"))
        ),
        ("<div class='video_iframe' data-src='//v.qq.com/p?vid=k30n5noodle'></div>", SHOWN),
        ("<span class='video_iframe' style='display:block' data-src='//v.qq.com/?vid=k30n5noodle'></span>", SHOWN),
        ("<p class='video_iframe'><span>说明</span></p>", "视频\n\n说明"),
        ("<qqmusic music_name='晚风'></qqmusic>", "视频：晚风"),
    ],
)
def test_elements_that_play_something(element: str, expected: str) -> None:
    for read in (body, lambda text: read_article(oldest(text), OLD_URL).body):
        assert read(f"<p>前</p>{element}<p>后</p>") == f"前\n\n{expected}\n\n后"


@pytest.mark.parametrize(
    "element",
    [
        "<!--VIDEO_0-->",
        "<mpvoice name='播报'></mpvoice>",
        "<div class='qnt-video'>03:21</div>",
        "<object><param></object>",
    ],
)
def test_a_video_without_an_address_is_a_video_and_no_text(element: str) -> None:
    origin = {"text": f"<p>前</p>{element}", "version": "v2"}
    article = read_article(page(originContent=origin, originAttribute={"VIDEO_0": {"vid": "", "title": "播报"}}))
    assert article.body.startswith("前\n\n视频")
    assert (article.videos, article.text, article.summary) == (1, "前", "前")
    alone = read_article(page(shown(element.replace("<!--VIDEO_0-->", "<iframe></iframe>")), originContent=None))
    assert (alone.videos, alone.text) == (1, "")


@pytest.mark.parametrize(
    ("player", "expected"),
    [
        ("<div class='qnt-video' data-vid='k30n5noodle'><div id='videotime01'></div></div>", f"[视频]({PAGE})"),
        (
            "<div class='videoPlayer'><div id='container01'><video src='https://x.cn/a.mp4'></video></div></div>",
            "[视频](https://x.cn/a.mp4)",
        ),
        ("<div class='videoPlayer' id='mod_player'><div id='container01'></div></div>", "视频"),
        (
            "<object data='https://x.cn/a.pdf' type='application/pdf'><a href='https://x.cn/a.pdf'>附件</a></object>",
            "[附件](https://x.cn/a.pdf)",
        ),
        (
            "<object data='https://x.cn/a.png' type='image/png'><img src='https://x.cn/a.png'></object>",
            "![图片](https://x.cn/a.png)",
        ),
    ],
)
def test_what_is_around_a_video_is_none(player: str, expected: str) -> None:
    assert body(f"<p>前</p>{player}<p>后</p>") == f"前\n\n{expected}\n\n后"


def test_words_smart_tags_are_nothing() -> None:
    assert body("<p>前</p><object classid='clsid:38481807' id='ieooui'></object><p>后</p>") == "前\n\n后"


def test_a_script_that_is_commented_out_names_no_video() -> None:
    for script in ('//video.setVid("k30n5noodle");', '/* video.setVid("k30n5noodle"); */'):
        assert read_article(served(f"{TEXT}<script>{script}</script>")).videos == 0


def test_what_is_hidden_within_a_drawing_stays_so() -> None:
    for how in ("style='display:none'", "class='image-carousel'"):
        text = f"<svg><foreignObject><section {how}><!--IMG_0--></section></foreignObject></svg><p>甲</p>"
        assert body(text, IMG_0={"url": IMAGE[6:-1]}) == "甲"


def test_entities_in_the_title_of_a_video() -> None:
    details = {"vid": "k30n5noodle", "title": "甲&amp;乙 &quot;丙&quot; A&B"}
    assert body("<!--VIDEO_0-->", VIDEO_0=details) == f'[甲&乙 "丙" A&B]({PAGE})'


def test_what_is_seen_through_a_drawing_stays() -> None:
    inside = "<section>乙<!--IMG_0-->丙<!--VIDEO_0--></section>"
    text = f"<p>甲</p><svg><text>字</text><foreignObject>{inside}</foreignObject></svg>后"
    wanted = f"甲\n\n{IMAGE}\n\n图说\n\n[视频]({PAGE})\n\n后"
    picture = {"url": IMAGE[6:-1], "desc": "图说"}
    assert body(text, IMG_0=picture, VIDEO_0={"vid": "k30n5noodle"}) == wanted
    assert body(text.replace("<svg>", "<svg hidden>"), IMG_0=picture, VIDEO_0={"vid": "k30n5noodle"}) == "甲\n\n后"
