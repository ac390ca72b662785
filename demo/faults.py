"""Network and server errors on demand, each for a path and a number of requests.

A number is an answer with that status and with `value` as its `Retry-After`. The other kinds:

    html            an HTML page although a list was requested
    busy            a list reply with status 200 and the code for a busy server; value 1 (default), 99998, or a message
    unknown-list    a list reply in an unknown format
    empty-list      a list reply without entries
    challenge       a page with status 200 that checks whether the reader is a robot
    empty           an empty answer
    huge            over 20 MB; huge-unsaid: the same without Content-Length; bomb: that large only after gunzip
    wrong-type      the right bytes with the wrong content type
    bad-gzip        bytes that claim to be gzip
    redirect        a redirect to the address in `value`

    truncated       half of the announced bytes, then the connection is closed
    long-length     announces more bytes than there are
    short-length    announces fewer bytes than there are
    reset           the connection is reset before the answer; reset-midway: in the middle of it
    slow            the answer comes after `value` seconds
"""

from __future__ import annotations

import gzip
import json
import threading
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

HUGE = 21 * 1024 * 1024
ON_THE_WIRE = {"truncated", "long-length", "short-length", "reset", "reset-midway", "slow"}
"""Kinds that change how an answer is sent and not the answer: the server applies them."""


@dataclass(frozen=True)
class Answer:
    """The site's answer to one request."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    sends_length: bool = True
    """Whether a `Content-Length` is sent; without one the answer ends when the connection is closed."""
    wire: str = ""
    """The fault to apply while sending."""
    seconds: float = 0
    """How long to wait before sending."""


@dataclass
class Fault:
    path: str
    """Pattern of the request's path; lists are `/web_feed/getPCList/<channel>/<page>`."""
    kind: str
    times: int = 1
    """For how many requests it happens; -1: for all."""
    value: str = ""


@dataclass
class Faults:
    """The faults that have not happened yet."""

    planned: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, path: str, kind: str | int, times: int = 1, value: object = "") -> None:
        """Plan a fault for the next `times` requests to paths that match the pattern.

        Raises:
            ValueError: no such kind.
        """
        if not str(kind).isdigit() and kind not in ON_THE_WIRE and kind not in _ANSWERS:
            known = ", ".join(sorted(ON_THE_WIRE | _ANSWERS.keys()))
            raise ValueError(f"no fault of kind {kind!r}: expected a status or one of {known}")
        with self._lock:
            self.planned.append(Fault(path, str(kind), times, str(value)))

    def clear(self) -> None:
        with self._lock:
            self.planned.clear()

    def take(self, path: str) -> Fault | None:
        """The fault for this request; its count is reduced by one."""
        with self._lock:
            for fault in self.planned:
                if fault.times and fnmatchcase(path, fault.path):
                    fault.times -= 1
                    return fault
        return None


def spoilt(answer: Answer, fault: Fault) -> Answer:
    """The answer with the fault in it."""
    if fault.kind.isdigit():
        page = f"<html><head><title>{fault.kind}</title></head><body>{fault.kind}</body></html>"
        retry_after = (("Retry-After", fault.value),) if fault.value else ()
        return Answer(int(fault.kind), page.encode(), headers=retry_after)
    if fault.kind == "slow":
        return replace(answer, seconds=float(fault.value or 1))
    if fault.kind in ON_THE_WIRE:
        return replace(answer, wire=fault.kind)
    if fault.kind == "wrong-type":
        other = "text/html" if answer.content_type.startswith("image/") else "image/png"
        return replace(answer, content_type=other)
    if fault.kind == "redirect":
        return Answer(302, headers=(("Location", fault.value),))
    if fault.kind == "busy":
        code, message = (int(fault.value), "") if fault.value.isdigit() else (1, fault.value)
        return _json({"code": code, "message": message or "系统繁忙"})
    return _ANSWERS[fault.kind]


def _json(reply: object) -> Answer:
    return Answer(200, json.dumps(reply, ensure_ascii=False).encode(), "application/json; charset=utf-8")


_CHALLENGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>安全验证</title></head>
<body><div id="captcha"><p>请拖动滑块，证明你不是机器人。</p></div></body></html>"""

_GZIP = (("Content-Encoding", "gzip"),)
_ANSWERS = {
    "html": Answer(200, "<!DOCTYPE html><html><body><h1>演示站维护中</h1></body></html>".encode()),
    "busy": Answer(),
    "unknown-list": _json({"status": "ok", "result": {"items": [], "cursor": "b64"}}),
    "empty-list": _json({"code": 0, "data": []}),
    "challenge": Answer(200, _CHALLENGE.encode()),
    "empty": Answer(200, b""),
    "huge": Answer(200, b"<p>" + b"0" * HUGE),
    "huge-unsaid": Answer(200, b"<p>" + b"0" * HUGE, sends_length=False),
    "bomb": Answer(200, gzip.compress(bytes(HUGE), 6), headers=_GZIP),
    "wrong-type": Answer(),
    "bad-gzip": Answer(200, b"\x1f\x8b\x08\x00 no gzip from here on", headers=_GZIP),
    "redirect": Answer(),
}
