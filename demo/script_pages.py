"""Pages with the body in `window.DATA`: families F4 and F5."""

from __future__ import annotations

import html
import json

from demo import boilerplate, markup
from demo.markup import Pictures
from demo.stories import Story


def f4_page(story: Story, pictures: Pictures, filler: int) -> str:
    """2024-04 to 2024-11: the HTML is empty, the body is in `window.DATA` only."""
    data = _data(story, pictures, style="")
    data["article_id"] = story.id[:-2]
    data["tags"] = ""
    return f"""<!DOCTYPE html>
<html lang="zh-CN"><head>
    <title>{html.escape(story.title)}_腾讯新闻</title>
<meta name="Description" content="{html.escape(_abstract(story))}">
    <meta charset="utf-8">
<script>
  window.DATA = {json.dumps(data, ensure_ascii=False, separators=(",", ":"))};
</script>
<style>{boilerplate.style_sheet(filler // 4, story.id)}</style>
</head>
<body dt-pgid="pg_detail">
  <div id="TopNav">{boilerplate.navigation()}</div>
  <div class="qq_conent clearfix">
    <div class="LEFT">
      <div class="content clearfix">
        <div class="LeftTool" id="LeftTool"></div>
      </div>
      <div id="Comment">{boilerplate.comments()}</div>
    </div>
    <div id="RIGHT" class="RIGHT">{boilerplate.hot_list()}{boilerplate.recommended()}</div>
  </div>
  {boilerplate.footer()}
</body></html>
"""


def f5_page(story: Story, pictures: Pictures, filler: int) -> str:
    """2024-11 to now: the body twice, in `window.DATA` and in the HTML."""
    style = boilerplate.style_sheet(filler, story.id)
    title = html.escape(story.title)
    abstract = html.escape(_abstract(story))
    data = in_script(json.dumps(_data(story, pictures, style), ensure_ascii=False, separators=(",", ":")))
    content = (
        f'<div id="article-content">{boilerplate.ask_ai(story.ask)}'
        f'<div class="comps-contentify-wrap comps-contentify-pc-wrap">{_shown(story, pictures, style)}</div></div>'
    )
    return f"""<!DOCTYPE html>
<html lang="zh-CN">

<head>

<title>{title}_腾讯新闻</title>
<meta name="keywords" content="演示">
<meta name="description" content="{abstract}">
<meta property="og:type" content="news" />
<meta property="og:title" content="{title}_腾讯新闻" />
<meta property="og:description" content="{abstract}" />
<meta property="og:url" content="https://news.qq.com/rain/a/{story.id}" />
<meta property="og:image" content="{pictures.cover(story.cover, "640330")}" />
<meta property="article:author" content="{story.media}" />
<meta property="article:published_time" content="{story.published}" />
<meta property="category" content="{_category(story)}" />
    <meta charset="utf-8" />
<script>
  window.DATA = {data};
</script>
<script>
  window.channelInfo = {{"channelConfig":{{"channelNav":[{{"channel_id":"news_news_tech","name_cn":"科技"}}]}}}};
</script>
</head>

<body id="dc-normal-body">
  <div id="top-nav">{boilerplate.navigation()}</div>
  <div class="qqweb-main-container"><div class="qqweb-pc-content "><div class="content-left"><div class="content">
          <div class="left-tool" id="left-tool"></div>
          <div class="content-article">
            <div id="article-column-tag"></div><h1 id="article-title">{title}</h1>{_author(story)}{content}
            <div id="article-status">{boilerplate.statement()}</div>
            <div class="recommend-con" id="ArticleBottom">{boilerplate.recommended()}</div>
          </div>
        </div>
        <div id="article-comment">{boilerplate.comments()}</div>
        <div id="article-footer"></div>
      </div>
      <div id="content-right" class="content-right">{boilerplate.hot_list()}</div>
    </div>
  </div>
  {boilerplate.footer()}
</body>

</html>
"""


def _data(story: Story, pictures: Pictures, style: str) -> dict[str, object]:
    origin = markup.origin(story.body, pictures)
    wrapped = f'<div class="rich_media_content">{origin.text}<style>{style}</style></div>'
    return {
        "url": f"https://view.inews.qq.com/a/{story.id}",
        "article_id": story.id,
        "atype": story.kind,
        "article_type": story.kind,
        "title": story.title,
        "desc": _abstract(story),
        "iNewsRecommendLevel": 1,
        "abstract": _abstract(story),
        "catalog1": _category(story),
        "introduction": "",
        "media": story.media,
        "media_id": "5000001",
        "pubtime": str(story.published),
        "comment_id": "1260000000001",
        "political": 0,
        "cmsId": story.id,
        "cms_id": story.id,
        "closeAllAd": 0,
        "closeAllFavorite": False,
        "originContent": {
            "directory": {"enable": 2},
            "text": origin.text if story.version == "v1" else wrapped,
            "version": story.version,
        },
        "originAttribute": origin.attributes,
        "selfDeclare": {"declare": "", "id": 0},
        "userAddress": "陶州",
        "card": {"chlid": "5000001", "chlname": story.media, "desc": "演示账号"},
        "contentWordsNum": len(story.text),
        "aiSwitch": True,
        "aiFirstQuestion": {"source": "algo", "text": story.ask},
        "isOversize": False,
        "videoArr": [],
    }


def _shown(story: Story, pictures: Pictures, style: str) -> str:
    if story.version == "v1":
        return f'<div class="article-content-wrap">{markup.shown_v1(story.body, pictures)}</div><style>{style}</style>'
    return f'<div class="rich_media_content">{markup.shown(story.body, pictures)}<style>{style}</style></div>'


def _author(story: Story) -> str:
    return (
        '<div id="article-author"><div class="article-author"><div class="media-info">'
        f'<p class="media-name">{story.media}</p><p class="media-meta"><span>{story.published:%Y-%m-%d %H:%M}</span>'
        "<span>发布于<!-- -->陶州</span></p></div></div></div>"
    )


def _abstract(story: Story) -> str:
    return story.text[:100] + ("..." if len(story.text) > 100 else "")


def _category(story: Story) -> str:
    return story.channels[0] if story.channels else "news"


def in_script(text: str) -> str:
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
