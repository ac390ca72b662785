"""What a `style` attribute says about its text."""

from __future__ import annotations

import pytest

from newsarchive.markdown.inline import EMPHASIS, HIDDEN, STRONG
from newsarchive.markdown.reader import text_style

BOLD, UPRIGHT_WEIGHT, UPRIGHT = (STRONG, 0), (0, STRONG), (0, EMPHASIS)
UNSEEN, SEEN, NOTHING = (HIDDEN, 0), (0, HIDDEN), (0, 0)


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("font-weight:bold", BOLD),
        ("font-weight: 1000", BOLD),
        ("Font-Weight : BOLDER ;", BOLD),
        ("font-weight:599", UPRIGHT_WEIGHT),
        ("font-weight:lighter", UPRIGHT_WEIGHT),
        ("font-weight:inherit", NOTHING),
        ("font-weight:var(--w)", NOTHING),
        ("font-weight:²", NOTHING),
        ("font-weight:bold;font-weight:normal", UPRIGHT_WEIGHT),
        ("font-weight:bold!important;font-weight:normal", BOLD),
        ("font-weight:bold ! important; font-weight:normal", BOLD),
        ("x-font-weight:bold", NOTHING),
        ("mso-bidi-font-weight:bold", NOTHING),
        ("font:italic bold 16px/1.5 serif", BOLD),
        ("font:16px serif", (0, STRONG | EMPHASIS)),
        ("font:inherit", NOTHING),
        ("font-weight:bold;font:16px serif", (0, STRONG | EMPHASIS)),
        ("font-style:normal", UPRIGHT),
        ("font-style:italic", NOTHING),
        ("font-size:normal", NOTHING),
        ("color:transparent", UNSEEN),
        ("COLOR:TRANSPARENT", UNSEEN),
        ("color:transparent!important;color:red", UNSEEN),
        ("color:#FFFFFF00", UNSEEN),
        ("color:hsla(120, 100%, 50%, 0)", UNSEEN),
        ("color:rgba(255,255,255,.0)", UNSEEN),
        ("-webkit-text-fill-color:transparent", UNSEEN),
        ("color:rgba(0,0,0,0.9)", SEEN),
        ("color:rgb(0,0,0)", SEEN),
        ("color:#fff", SEEN),
        ("color:transparent;color:#000", SEEN),
        ("color:transparent;-webkit-text-fill-color:red", SEEN),
        ("color:inherit", NOTHING),
        ("-webkit-tap-highlight-color:transparent", NOTHING),
        ("-webkit-tap-highlight-color:rgba(0,0,0,0);color:#333", SEEN),
        ("background-color:transparent", NOTHING),
        ("color:transparent;background-clip:text", NOTHING),
        ("color:transparent;-webkit-background-clip: text;background:linear-gradient(90deg,#f00,#00f)", NOTHING),
        ("color:transparent;text-shadow:0 0 8px #000", NOTHING),
        ("", NOTHING),
        (";;:;font-weight", NOTHING),
    ],
)
def test_text_style(style: str, expected: tuple[int, int]) -> None:
    assert text_style(style) == expected
