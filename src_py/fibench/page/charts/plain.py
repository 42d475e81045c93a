# SPDX-License-Identifier: BSD-3-Clause
"""A drawing of the page at a width that is given: every place in pixels, colours and sizes of text
as attributes, and nothing that is defined elsewhere, so that every program shows it alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache
from xml.etree import ElementTree

from fibench.page.document import templates
from fibench.page.draw.palette import INK, MUTED

Element = ElementTree.Element

SANS = "Helvetica, Arial, Liberation Sans, DejaVu Sans, Noto Sans, sans-serif"
MONO = "Menlo, Consolas, Liberation Mono, DejaVu Sans Mono, monospace"
TEXT: Mapping[str, Mapping[str, str]] = {
    "": {"fill": MUTED, "font-size": "12"},
    "tick": {"font-size": "11.5"},
    "strong": {"fill": INK, "font-weight": "700"},
    "note": {"fill": INK},
    "small": {"font-size": "11"},
    "end": {"font-size": "12.5", "font-weight": "600", "font-family": MONO},
}
"""What the style sheet says of text, by its classes."""
_ACROSS = frozenset({"x", "x1", "x2", "cx"})
_DOWN = frozenset({"y", "y1", "y2", "cy"})
_LEFT_OUT = frozenset({"class", "id", "role", "width", "points", *_ACROSS, *_DOWN})


@dataclass(frozen=True)
class Place:
    """Where a drawing lies, in pixels, and how many of them a unit of its own has."""

    x: float
    y: float
    width: float
    across: float = 1.0
    down: float = 1.0

    def x_of(self, said: str) -> float:
        """A place across, which may be in per cent of the width."""
        if said.endswith("%"):
            return self.x + self.length_of(said)
        return self.x + float(said) * self.across

    def length_of(self, said: str) -> float:
        """A width."""
        if said.endswith("%"):
            return float(said[:-1]) / 100.0 * self.width
        return float(said) * self.across

    def y_of(self, said: str) -> float:
        """A place down."""
        return self.y + float(said) * self.down

    @property
    def moving(self) -> str:
        """What moves and stretches the drawing's own units into the place."""
        moved = f"translate({rounded(self.x)} {rounded(self.y)})"
        return f"{moved} scale({self.across:.4f} {self.down:g})"

    def within(self, drawing: Element) -> Place:
        """The place of a drawing in this one, which `svg.stretched` made."""
        width, height = (
            self.length_of(drawing.get("width", "100%")),
            float(drawing.get("height", 0)),
        )
        _, _, units_across, units_down = map(float, drawing.get("viewBox", "0 0 1 1").split())
        return Place(
            self.x_of(drawing.get("x", "0")), self.y_of(drawing.get("y", "0")), width,
            width / units_across, height / units_down,
        )  # fmt: skip


def placed(markup: str, place: Place, defined: MutableMapping[str, Element]) -> Iterator[Element]:
    """The marks of a drawing at its place; `defined` has what drawings beside it have defined."""
    for child in ElementTree.fromstring(markup):
        yield from _plain(child, place, defined)


def height_of(markup: str) -> float:
    """How high a drawing is."""
    return float(ElementTree.fromstring(markup).get("height", "0"))


def rounded(figure: float) -> str:
    """A coordinate in pixels, to a hundredth."""
    return f"{figure:.2f}".rstrip("0").rstrip(".")


def _plain(
    element: Element, place: Place, defined: MutableMapping[str, Element]
) -> Iterator[Element]:
    if "id" in element.attrib:
        defined[element.attrib["id"]] = element
    if element.tag == "svg":
        for child in element:
            yield from _plain(child, place.within(element), defined)
    elif element.tag == "use":
        yield from _used(element, place, defined)
    else:
        made = Element(element.tag, _attributes(element, place))
        made.text = element.text and element.text.replace(
            "\N{NARROW NO-BREAK SPACE}",
            "\N{NO-BREAK SPACE}",  # which more fonts have
        )
        for child in element:
            made.extend(_plain(child, place, defined))
        yield made


def _used(
    element: Element, place: Place, defined: MutableMapping[str, Element]
) -> Iterator[Element]:
    """What is drawn again: lines of the drawing's own as they lie in this one, or a mark."""
    name = element.get("href", "").removeprefix("#")
    if name in defined:
        for child in defined[name]:
            yield from _plain(child, place, defined)
        return
    attributes = {k: v for k, v in element.items() if k not in _LEFT_OUT and k != "href"}
    at = (place.x_of(element.get("x", "0")), place.y_of(element.get("y", "0")))
    attributes["transform"] = f"translate({rounded(at[0])} {rounded(at[1])})"
    made = Element("g", attributes)
    made.extend(element)
    for child in marks()[name]:
        made.append(Element(child.tag, {k: v for k, v in child.items() if k != "class"}))
    yield made


def _attributes(element: Element, place: Place) -> dict[str, str]:
    found = {}
    for name, said in element.items():
        if name in _ACROSS:
            found[name] = rounded(place.x_of(said))
        elif name in _DOWN:
            found[name] = rounded(place.y_of(said))
        elif name == "width":
            found[name] = rounded(place.length_of(said))
        elif name == "d":
            found |= {name: said, "transform": place.moving}
        elif name == "points":
            found |= {name: _points(said, place), "stroke-linejoin": "round"}
        elif name not in _LEFT_OUT and not name.startswith("aria-"):
            found[name] = said
    return found if element.tag != "text" else found | _text_style(element)


def _points(said: str, place: Place) -> str:
    pairs = (pair.split(",") for pair in said.split())
    return " ".join(f"{rounded(place.x_of(x))},{rounded(place.y_of(y))}" for x, y in pairs)


def _text_style(element: Element) -> dict[str, str]:
    classes = element.get("class", "").split()
    style = dict(TEXT[""])
    for one in classes:
        style |= TEXT.get(one, {})
    if any(one.startswith("f-") for one in classes):
        style["fill"] = element.get("fill", style["fill"])
    return style


@cache
def marks() -> Mapping[str, Element]:
    """What the page defines once, by its id."""
    asked = '{% import "parts.html" as part %}{{ part.marks() }}'
    markup = templates().from_string(asked).render()
    return {one.get("id", ""): one for one in ElementTree.fromstring(markup).iter("g")}
