"""The colours of the style sheet: contrast as WCAG 2.2 AA wants it, and meanings that stay apart for everyone."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from ethpillar.web.console import FOLDER

THEMES = ("dark", "light")
Colour = list[float]
TEXT, EDGE = 4.5, 3.0
SURFACES = ("card", "page", "raise", "bad-bg", "warn-bg")
PAIRS = [
    *[(ink, on, TEXT) for ink in ("ink", "ink-2", "ink-3", "link", "ok", "warn", "bad") for on in SURFACES],
    *[(f"hue-{number}", on, TEXT) for number in range(1, 7) for on in ("card", "raise", "bad-bg")],
    *[
        ("ink", "pick", TEXT),
        ("ink-2", "pick", TEXT),
        ("hit-ink", "hit", TEXT),
        ("on", "link", TEXT),
        ("on", "bad", TEXT),
    ],
    *[("edge-line", "card", EDGE), ("edge-line", "page", EDGE)],
]
APART = 20
"CIE76 difference of colours that have a meaning."
# Machado, Oliveira and Fernandes 2009, severity 1.
KINDS = {
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def colours(theme: str) -> dict[str, Colour]:
    """Return the theme's colours by name, in linear RGB."""
    style = (FOLDER / "style" / "colours.css").read_text()
    block = re.search(rf'\[data-theme="{theme}"\]\{{(.*?)\n\}}', style, re.DOTALL)
    assert block is not None
    return {name: linear(value) for name, value in re.findall(r"--([\w-]+):\s*(#[0-9a-fA-F]{3,8})", block[1])}


def linear(text: str) -> Colour:
    """Return a colour such as `#0f1318` or `#fff` in linear RGB."""
    digits = text[1:]
    digits = "".join(each * 2 for each in digits) if len(digits) == 3 else digits[:6]
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def contrast(one: Colour, other: Colour) -> float:
    """Return WCAG's contrast ratio of two colours."""
    low, high = sorted(0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(colour: Colour) -> Colour:
    """Return a colour in CIELAB."""
    red, green, blue = (max(0.0, part) for part in colour)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    f = [each ** (1 / 3) if each > 0.008856 else 7.787 * each + 16 / 116 for each in (x, y, z)]
    return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]


@pytest.mark.parametrize("theme", THEMES)
def test_contrast(theme: str) -> None:
    found = colours(theme)
    low = {
        (ink, on): contrast(found[ink], found[on]) for ink, on, need in PAIRS if contrast(found[ink], found[on]) < need
    }
    assert low == {}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", KINDS)
def test_running_warning_and_failed_stay_apart(theme: str, kind: str) -> None:
    found = colours(theme)
    seen = [
        lab([sum(a * b for a, b in zip(row, found[name], strict=True)) for row in KINDS[kind]])
        for name in ("ok", "warn", "bad")
    ]
    for one, other in combinations(seen, 2):
        assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 >= APART


def test_a_colour_has_its_twin() -> None:
    assert colours("dark").keys() == colours("light").keys()
