"""What a `style` attribute says about its text."""

from __future__ import annotations

import pytest

from newsarchive.markdown.inline import CLIPPED, EMPHASIS, INVISIBLE, NO_OPACITY, NO_SIZE, STRONG, TRANSPARENT
from newsarchive.markdown.reader import text_style

BOLD, UPRIGHT_WEIGHT, UPRIGHT = (STRONG, 0), (0, STRONG), (0, EMPHASIS)
UNSEEN, SEEN, NOTHING = (TRANSPARENT, 0), (0, TRANSPARENT), (0, 0)
SIZED, CLIPS = (0, NO_SIZE), (CLIPPED, TRANSPARENT)


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
        ("font:italic bold 16px/1.5 serif", (STRONG, NO_SIZE)),
        ("font:16px serif", (0, STRONG | EMPHASIS | NO_SIZE)),
        ("font:inherit", NOTHING),
        ("font-weight:bold;font:16px serif", (0, STRONG | EMPHASIS | NO_SIZE)),
        ("font:700 .9rem serif", (STRONG, EMPHASIS | NO_SIZE)),
        *((f"font:{font}", (NO_SIZE, STRONG | EMPHASIS)) for font in ("0/0 a", "0 a")),
        *((f"font-size:{size}", (NO_SIZE, 0)) for size in ("0", "0px", " 0.0EM !important", ".0%")),
        *((f"font-size:{size}", SIZED) for size in ("1px", "0.5rem", "calc(1em + 2px)", "4vmin", "initial")),
        *((f"font-size:{size}", SIZED) for size in ("var(--articleFontsize)", "x-small", "medium", "+.5cm")),
        *((f"font-size:{size}", NOTHING) for size in ("1em", "120%", "smaller", "inherit", "px", "")),
        ("visibility:hidden", (INVISIBLE, 0)),
        ("visibility: visible !important; visibility:hidden", (0, INVISIBLE)),
        ("visibility:initial", (0, INVISIBLE)),
        ("visibility:inherit", NOTHING),
        ("opacity:0", (NO_OPACITY, 0)),
        ("opacity: 0.0; visibility:visible", (NO_OPACITY, INVISIBLE)),
        *((f"opacity:{opacity}", NOTHING) for opacity in ("1", "0.01", "")),
        ("line-height:0;backface-visibility:hidden;fill-opacity:0", NOTHING),
        ("font-style:normal", UPRIGHT),
        ("font-style:initial;font-weight:initial", (0, EMPHASIS | STRONG)),
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
        ("color:transparent;background-clip:text", CLIPS),
        ("color:transparent;-webkit-background-clip: text;background:linear-gradient(90deg,#f00,#00f)", CLIPS),
        ("color:transparent;text-shadow:0 0 8px #000", NOTHING),
        ("", NOTHING),
        (";;:;font-weight", NOTHING),
    ],
)
def test_text_style(style: str, expected: tuple[int, int]) -> None:
    assert text_style(style) == expected
