# SPDX-License-Identifier: BSD-3-Clause
"""A chart as a file: words and drawings from the top down, on white."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

from fibench.page.charts.plain import MONO, SANS, Element, Place, height_of, marks, placed, rounded
from fibench.page.draw.palette import INK, MUTED, Look
from fibench.wording import shown

WIDTH = 720.0
_MARGIN = 18.0
_CHARACTER = 0.56
"""How wide a character is on average, in its size; in bold and in type of one width it is wider."""
_WIDER = 1.1


@dataclass(frozen=True)
class Style:
    """Of words."""

    size: float = 12.0
    fill: str = MUTED
    bold: bool = False
    mono: bool = False
    anchor: str = "start"

    def width_of(self, said: str) -> float:
        """How wide words come out, about, in pixels."""
        wider = _WIDER if self.bold or self.mono else 1.0
        return len(said) * self.size * _CHARACTER * wider

    def attributes(self) -> dict[str, str]:
        """As an element has them."""
        found = {"font-size": f"{self.size:g}", "fill": self.fill}
        if self.bold:
            found["font-weight"] = "700"
        if self.mono:
            found["font-family"] = MONO
        return found if self.anchor == "start" else found | {"text-anchor": self.anchor}


NOTE, NAME = Style(), Style(13.0, INK, mono=True)
HEADING, FIGURE = Style(16.0, INK, bold=True), Style(13.0, INK, bold=True, anchor="end")
PART = Style(12.5, INK, bold=True)
SPREAD = Style(12.0, anchor="end")


@dataclass
class Sheet:
    """What is drawn so far; `down` is where the next goes, all in pixels within the margins."""

    down: float = 0.0
    elements: list[Element] = field(default_factory=list)
    reach: float = WIDTH
    """How far to the right anything reaches."""
    _defined: dict[str, Element] = field(default_factory=dict)

    def words(self, x: float, y: float, said: str, style: Style = NOTE) -> None:
        """Words at a place, on one line."""
        made = Element("text", {"x": rounded(x), "y": rounded(y), **style.attributes()})
        made.text = shown(said)
        self.elements.append(made)
        if style.anchor == "start":
            self.reach = max(self.reach, x + style.width_of(said))

    def paragraph(self, said: str, style: Style = NOTE, width: float = WIDTH) -> None:
        """Words from one edge to the other, in as many lines as they take."""
        for line in lines_of(said, style, width):
            self.words(0.0, self.down + style.size, line, style)
            self.down += style.size * 1.4
        self.down += 3.0

    def mark(self, look: Look, x: float, y: float, kind: str = "m") -> None:
        """The mark of a design."""
        place = {"transform": f"translate({rounded(x)} {rounded(y)})", "fill": look.fill}
        made = Element("g", place)
        for child in marks()[f"{kind}-{look.shape}"]:
            made.append(Element(child.tag, {k: v for k, v in child.items() if k != "class"}))
        self.elements.append(made)

    def add(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element of another kind."""
        self.elements.append(Element(tag, dict(attributes)))

    def drawing(self, markup: str, x: float, y: float, width: float) -> float:
        """A drawing of the page at a place; how high it is."""
        made = list(placed(markup, Place(x, y, width), self._defined))
        self.elements += made
        for one in (text for each in made for text in each.iter("text")):
            if one.get("text-anchor", "start") == "start":
                style = Style(float(one.get("font-size", 12)), mono="font-family" in one.attrib)
                end = float(one.get("x", 0)) + style.width_of(one.text or "")
                self.reach = max(self.reach, end)
        return height_of(markup)

    def svg(self, title: str, more: str = "") -> str:
        """The file; `more` is for who does not see it."""
        width, height = self.reach + 2.0 * _MARGIN, self.down + 2.0 * _MARGIN
        size = {"width": rounded(width), "height": rounded(height)}
        root = Element("svg", {
            "xmlns": "http://www.w3.org/2000/svg", **size,
            "viewBox": f"0 0 {size['width']} {size['height']}", "font-family": SANS, "role": "img",
        })  # fmt: skip
        ElementTree.SubElement(root, "title").text = shown(title)
        if more:
            ElementTree.SubElement(root, "desc").text = shown(more)
        ElementTree.SubElement(root, "rect", {**size, "fill": "#ffffff"})
        moved = f"translate({rounded(_MARGIN)} {rounded(_MARGIN)})"
        ElementTree.SubElement(root, "g", {"transform": moved}).extend(self.elements)
        ElementTree.indent(root, " ")
        return ElementTree.tostring(root, encoding="unicode") + "\n"


def lines_of(said: str, style: Style, width: float) -> list[str]:
    """Words in lines that are no wider."""
    return textwrap.wrap(said, max(12, int(width / style.width_of("x"))))
