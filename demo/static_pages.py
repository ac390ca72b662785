"""Pages with the body in the HTML: families F1, F2 and F3; F2 and F3 have the same template."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta

from demo import boilerplate, markup
from demo.markup import Pictures
from demo.script_pages import in_script
from demo.stories import Story


def f1_page(story: Story, pictures: Pictures) -> str:
    """To 2019-09, `finance.qq.com/a/20190916/004213.htm`: gb2312, the fields in a JS object."""
    site = re.sub(r"https?://(\w+)\..*", r"\1", story.address)
    time = f"{story.published:%Y-%m-%d %H:%M}"
    title = html.escape(story.title)
    return f"""<!DOCTYPE html>
<html lang="zh-CN"><head>
<meta content="text/html; charset=gb2312" http-equiv="Content-Type">
<title>{title}_{story.media}_腾讯网</title>
<script type="text/javascript">
            ARTICLE_INFO = window.ARTICLE_INFO || {{
            site:'{site}',
            title:'{story.title}',
            id:'{story.id[3:17]}',
            pubtime:'{time}',
            type:'1',
            article_url:'{story.address.format(id=story.id)}',
            tags:['演示'],
            catalog:'{site}news',
            topic:{{name:'',cname:''}},
            tpl:{{dev:'def',ver:'1.0.0.0'}}
            }}
        </script></head>
<body>{boilerplate.navigation()}
<div class="qq_mainArea" id="Main-Article-QQ"><div class="qq_main"><div class="qq_article">
<div class="hd">
<h1>{title}</h1>
<div class="qq_bar clearfix"><div class="a_Info">
<span class="a_catalog"><a href="/">栏目</a></span><span class="a_source">{story.media}</span>\
<span class="a_time">{time}</span>
</div></div>
</div>
<div class="bd">
<div id="Cnt-Main-Article-QQ" class="Cnt-Main-Article-QQ" bosszone="content">\
{markup.plain(story.body, pictures, "641")}</div>
<span style="width:0;height:0;overflow:hidden;display:block">正文到此为止</span>
</div></div>
<div class="qq_articleFt"><div class="qq_editor" id="QQeditor">责任编辑：demo</div></div>
{boilerplate.statement()}{boilerplate.comments()}</div>{boilerplate.hot_list()}</div>{boilerplate.footer()}
</body></html>
"""


def f2_page(story: Story, pictures: Pictures) -> str:
    """2018 to 2024-04 (F2, F3): the body in the HTML; `window.DATA` over several lines and without a body."""
    data = {
        "article_id": story.id[:-2],
        "article_type": "0",
        "title": story.title,
        "catalog1": "social",
        "catalog2": "social_life",
        "introduction": story.lead,
        "media": story.media,
        "media_id": "5000001",
        "pubtime": str(story.published),
        "comment_id": "4100000001",
        "tags": story.tags,
        "political": 0,
        "artTemplate": None,
        "cms_id": story.id,
        "videoArr": [],
    }
    # When the static file was built, hours after the story was published.
    built = story.published + timedelta(hours=5, minutes=17)
    lead = f'<!--导语--><div class="introduction">{html.escape(story.lead)}</div>' if story.lead else ""
    return f"""<html lang="zh-CN" dir="ltr"><head>
    <title>{html.escape(story.title)}</title>
    <meta name="keywords" content="{story.tags}">
    <meta name="apub:time" content="{built:%Y-%m-%d %H:%M:%S}">
    <script>
      window.DATA = {in_script(json.dumps(data, ensure_ascii=False, indent=2))}
    </script>
    <meta charset="utf-8">
</head>
<body>
    <div id="TopNav">{boilerplate.navigation()}</div>
    <div class="qq_conent clearfix">
      <div class="LEFT">
        <h1>{html.escape(story.title)}</h1>
        <div class="content clearfix">
          <div id="LeftTool" class="LeftTool"><div class="md">{story.published:%m/%d}</div></div>
          <div class="content-article">
            {lead}
            {markup.plain(story.body, pictures, "1000")}
            <div id="Status">{boilerplate.statement()}</div>
          </div>
        </div>
        <div id="Comment">{boilerplate.comments()}</div>
        <div id="Recomend">{boilerplate.recommended()}</div>
      </div>
      <div id="RIGHT" class="RIGHT">{boilerplate.hot_list()}</div>
    </div>
    {boilerplate.footer()}
</body></html>
"""
