"""What is around an article on its page: none of it belongs in an archive."""

from __future__ import annotations

import html
import random

WORDS = (
    "问AI",
    "今日热榜",
    "登录后参与讨论",
    "猜你想看",
    "打开客户端",
    "免责声明",
    "展开全部评论",
    "相关短片",
    "演示站导航",
    "举报此文",
)
"""Text that every page shows outside of the body; the tests check that the Markdown has none of it."""

_HOT = (
    "陶州地铁三号线试跑",
    "听涛号带回的声音是谁",
    "临溪早稻测产结果公布",
    "白岬灯塔征集守塔人",
    "松岗气象站开放日报名",
)


def navigation() -> str:
    names = "".join(f'<li class="nav-item"><a href="/ch/{en}">{cn}</a></li>' for cn, en in _CHANNELS)
    return f'<div class="topNav-flex bg-white"><span>演示站导航</span><ul class="mini-default-nav">{names}</ul></div>'


_CHANNELS = (("要闻", "news"), ("财经", "finance"), ("科技", "tech"))


def ask_ai(question: str) -> str:
    """The box above the body that offers a question to a chat bot."""
    shown = html.escape(question or "这篇文章讲了什么？")
    return (
        '<div class="article-top-content"><div class="ac-ask-ai"><div class="ac-ask-ai-left">'
        '<span class="ac-ask-ai-left-icon"></span><div class="ac-ask-ai-left-content">'
        '<span class="ac-ask-ai-left-content-ask">问AI</span><span> · </span>'
        f'<span class="ac-ask-ai-left-content-text">{shown}</span></div></div></div></div>'
    )


def statement() -> str:
    return (
        '<div class="article-status"><div class="statement"><div>免责声明：演示站的每一篇都是编的，请勿当真。</div>'
        '<a class="report"><img src="//inews.gtimg.com/newsapp_bt/0/demo_report/0" alt="">举报此文</a></div></div>'
    )


def hot_list() -> str:
    rows = "".join(f'<li><i>{n}</i><a href="/rain/a/hot{n}">{words}</a></li>' for n, words in enumerate(_HOT, 1))
    return f'<div class="hot-rank-list"><h2>今日热榜</h2><ol>{rows}</ol></div>'


def recommended() -> str:
    cards = "".join(f'<div class="item"><h3>{words}</h3><p>演示卡片</p></div>' for words in _HOT[:3])
    video = '<div class="video-album"><h2>相关短片</h2><p class="one-p">短片没有正文</p></div>'
    return f'<div class="cms-bar"><div class="bar-tit"><h2>猜你想看</h2></div>{cards}</div>{video}'


def comments() -> str:
    return (
        '<div class="qq_comment"><div class="qqcom-comment-send-tips">登录后参与讨论</div>'
        '<p class="comment-text">沙发！这篇写得真细。</p><div class="more">展开全部评论</div></div>'
    )


def footer() -> str:
    return '<div class="qq_footer"><a href="/app">打开客户端</a> | <span>演示站 不收广告</span></div>'


def carousel(addresses: list[str]) -> str:
    """The full-screen viewer, which repeats every picture of the body."""
    slides = "".join(f'<li><img src="{address}" alt=""></li>' for address in addresses)
    return (
        '<div class="image-carousel portal-hide"><div class="mask"></div><div class="carousel-img-list">'
        f'<ul style="width:{len(addresses)}00%">{slides}</ul></div></div>'
    )


_TRAPS = (
    '.quote::before{content:"“"}',
    '.a>.b::after{content:"};";color:#999}',
    ".qqnews-content{font-size:0}p[type=om-image-desc]{color:#888}",
    "@media (max-width:640px){.rich_media_content td p{margin:0;padding:0}}",
)
"""CSS rules with characters that break a naive parser of the page's script."""


def style_sheet(size: int, seed: str) -> str:
    """About `size` characters of CSS, as the site ships them with every page since 2024."""
    dice = random.Random(seed)  # the same page every time
    rules = list(_TRAPS)
    length = sum(map(len, rules))
    while length < size:
        rule = (
            f".wx-{dice.randrange(16**4):04x} .t{dice.randrange(90)}>p:nth-child({dice.randrange(1, 9)})"
            f"{{margin:{dice.randrange(40)}px {dice.randrange(12)}px;color:#{dice.randrange(16**6):06x};"
            f"letter-spacing:.{dice.randrange(1, 60):02d}em;line-height:1.{dice.randrange(2, 9)}}}"
        )
        rules.append(rule)
        length += len(rule)
    return "".join(rules)
