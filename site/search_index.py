"""Makes the index of the search of a built site: `python site/search_index.py PUBLIC`. Run by `make site`.

The index has the pairs of neighbouring letters of all articles, each with the numbers of the articles that have it
(0 is the newest). It is in pieces of about 30 kB, of which a search loads one for each pair in its words. Few articles
have all pairs of a word without the word, and their pages show it. The whole texts are not needed then.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain, pairwise
from operator import add
from pathlib import Path

PIECE = 30_000  # characters
NO_WORD = re.compile(r"\W+")
SHORT = [chr(48 + step) for step in range(32)]
VARIANTS = (Path(__file__).parent / "assets" / "variants.txt").read_text(encoding="utf-8").strip()
SIMPLIFIED = str.maketrans(VARIANTS[::2], VARIANTS[1::2])


def folded(text: str) -> str:
    """As search.js does it.

    >>> folded("臺灣銀行ＡＢ")
    '台湾银行ab'
    """
    return unicodedata.normalize("NFKC", text).lower().translate(SIMPLIFIED)


def pairs(text: str) -> set[str]:
    """Neighbouring letters and digits of a folded text."""
    words = NO_WORD.sub(" ", text)
    return {pair for pair in set(map(add, words, words[1:])) if " " not in pair}


def encoded(numbers: Iterable[int]) -> str:
    """Increasing numbers as the steps between them, five bits in a character; a sixth bit says that more follow.

    >>> encoded([3, 4, 40])
    '31T1'
    """
    steps = (number - before for before, number in pairwise(chain([0], numbers)))
    return "".join([SHORT[step] if step < 32 else _long(step) for step in steps])


def _long(step: int) -> str:
    return SHORT[step] if step < 32 else chr(48 + 32 + step % 32) + _long(step // 32)


def make_index(search: Path) -> None:
    """Of the files that Hugo has written to a folder; removes the whole texts."""
    index = json.loads((search / "index.json").read_text(encoding="utf-8"))
    found: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
    for block in range(len(index["days"])):
        entries = json.loads((search / f"{block}.json").read_text(encoding="utf-8"))
        texts = json.loads((search / f"{block}.text.json").read_text(encoding="utf-8"))
        for nth, (entry, text) in enumerate(zip(entries, texts, strict=True)):
            number = block * index["size"] + nth
            shown = pairs(folded(f"{entry['title']}\n{entry['summary']}"))
            for pair in pairs(folded(text)) - shown:
                found[pair].append(number * 2)
            for pair in shown:
                found[pair].append(number * 2 + 1)
    lists = {pair: encoded(numbers) for pair, numbers in found.items()}
    count = sum(map(len, lists.values())) // PIECE + 1
    pieces: list[dict[str, str]] = [{} for _ in range(count)]
    for pair, text in lists.items():
        pieces[(ord(pair[0]) * 31 + ord(pair[1])) % count][pair] = text
    (search / "pairs").mkdir(exist_ok=True)
    for nth, piece in enumerate(pieces):
        (search / "pairs" / f"{nth}.json").write_text(json.dumps(piece, ensure_ascii=False), encoding="utf-8")
    (search / "index.json").write_text(json.dumps({**index, "pieces": count}), encoding="utf-8")
    for block in range(len(index["days"])):
        (search / f"{block}.text.json").unlink()


if __name__ == "__main__":
    make_index(Path(sys.argv[1]) / "search")
