"""Any number of stories: the same ones every time, each with its own id and title."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from demo.stories import Story

_PLACES = ("陶州", "临溪", "白岬", "松岗", "泉湾", "南屿", "青砚", "岭西", "禾丰", "砚池", "石渡", "云梯")
_FIRMS = (
    "谷雨供应链",
    "云脊银行",
    "北辰新材",
    "松塔实验室",
    "听涛深潜",
    "长桥机电",
    "萤石光学",
    "半山制药",
    "洄游物流",
)
_PEOPLE = ("温如初", "顾念慈", "祁小满", "陆蕙", "闻人舟", "盛五一", "黎放", "邵苇", "贺麦", "丁望", "成玉兰")
_DEEDS = (
    "启动二期扩建",
    "公布季度账本",
    "试运行新产线",
    "公开招募合伙人",
    "更新安全守则",
    "把总部迁到河边",
    "上线夜间班次",
)
_MEDIA = ("沿海财经", "微光机器", "城市账本", "岭南早报", "乡间经济", "海客")
_OPENINGS = (
    "{place}的消息来得很早。{firm}在当天清晨宣布{deed}，预计投入{number}万元。",
    "{firm}计划{deed}，这是它在{place}的第{small}次尝试。",
    "从{place}坐船四十分钟，就能看到{firm}刚刚挂牌的院子，那里正忙着{deed}。",
)
_MIDDLES = (
    "负责人{person}说，最难的不是钱，而是让{small}个班组说同一种话。",
    "按照计划，第一阶段要在{small}个月内完成，届时每天可以处理{number}件货物。",
    "记者在现场数了数，墙上的白板一共记着{number}条待办，其中{small}条已经划掉。",
    "{person}把流程拆成{small}步，每一步都有人签字，也都有人复核。",
    "隔壁的{other}态度谨慎，它在{place}也有{small}个类似的项目，目前都停在图纸上。",
    "一位不愿具名的供应商透露，合同总额大约{number}万元，分{small}期支付。",
)
_ENDINGS = (
    "下一次进展通报定在{small}天以后。",
    "截至发稿，{firm}没有回应关于价格的提问。",
    "天黑以后，院子里的灯还亮着{small}盏。",
)
_HEADINGS = ("先算一笔小账", "谁来签字", "下一步怎么走", "几种不同的声音")
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def generated_stories(count: int, newest: datetime, step: timedelta = timedelta(minutes=37)) -> Iterator[Story]:
    """`count` stories, the first published one step before `newest`, each further one a step earlier."""
    for n in range(count):
        dice = random.Random(f"story {n}")  # the same story every time
        published = newest - (n + 1) * step
        yield _story(n, published, dice)


def _story(n: int, published: datetime, dice: random.Random) -> Story:
    words = _words(dice)
    family, version = "F5", "v1" if n % 5 == 3 else "v2"
    if n % 10 == 7:
        family, version = "F4", "v1"
    elif n % 25 == 9:
        family = "F2"
    blocks = list(_blocks(n, words, dice))
    # The id always has the newest story's day, so that it stays the same when the publish times are moved.
    return Story(
        id=f"20261104A{_serial(n)}00",
        title="{place}{firm}{deed}".format(**words) + f"（第{n + 1}号）",
        published=published,
        family=family,
        version=version,
        media=dice.choice(_MEDIA),
        channels=("finance",) if n % 2 else ("tech",),
        cover=f"made-{n}",
        body="".join(_write(kind, text, family, version) for kind, text in blocks),
    )


def _words(dice: random.Random) -> dict[str, str]:
    firm, other = dice.sample(_FIRMS, 2)
    return {
        "place": dice.choice(_PLACES),
        "firm": firm,
        "other": other,
        "person": dice.choice(_PEOPLE),
        "deed": dice.choice(_DEEDS),
        "number": str(dice.randrange(120, 9800)),
        "small": str(dice.randrange(3, 29)),
    }


def _blocks(n: int, words: dict[str, str], dice: random.Random) -> Iterator[tuple[str, str]]:
    yield "text", dice.choice(_OPENINGS).format(**words)
    if n % 3:
        yield "picture", f"made-{n}"
    middles = dice.sample(_MIDDLES, dice.randrange(2, len(_MIDDLES)))
    for count, middle in enumerate(middles):
        if count == 2:
            yield "heading", dice.choice(_HEADINGS)
        yield "text", middle.format(**words)
        words = words | {"number": str(dice.randrange(120, 9800)), "small": str(dice.randrange(3, 29))}
    if n % 4 == 1:
        yield "bold", "“不急，先把第一步走稳。”"
    yield "text", dice.choice(_ENDINGS).format(**words)


def _write(kind: str, text: str, family: str, version: str) -> str:
    """A block in the markup of the family's editor."""
    if kind == "picture":
        text = f'<img src="{text}" width="641" height="361">'
    elif kind == "bold" or (kind == "heading" and family == "F2"):
        text = f"<strong>{text}</strong>"
    elif kind == "heading":
        return f'<p class="text-big-title">{text}</p>' if version == "v2" else f"<H2>{text}</H2>"
    if family == "F2":
        return f'<p class="one-p">{text}</p>\n            '
    return f"<p>{text}</p>" if version == "v2" else f"<P>{text}</P>".replace("strong>", "STRONG>")


def _serial(n: int) -> str:
    """Five characters of an id, unique to `n`. The `Z` at the start keeps them apart from the written stories."""
    digits = ""
    for _ in range(4):
        n, rest = divmod(n, len(_ALPHABET))
        digits = _ALPHABET[rest] + digits
    return "Z" + digits
