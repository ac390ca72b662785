"""Numbers in sentences. Pure."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number and what is counted; of several words, the first one is.

    >>> counted(1, "page in quarantine"), counted(0, "list"), counted(2, "try")
    ('1 page in quarantine', '0 lists', '2 tries')
    """
    first, *rest = noun.split(" ", 1)
    if number != 1:
        first = f"{first[:-1]}ies" if first.endswith("ry") else f"{first}s"
    return " ".join([str(number), first, *rest])
