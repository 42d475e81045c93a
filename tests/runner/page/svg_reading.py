# SPDX-License-Identifier: BSD-3-Clause
"""Drawings read back: where the marks of one are."""

from collections.abc import Iterator
from xml.etree import ElementTree

Element = ElementTree.Element


def read_drawing(markup: str) -> Element:
    """A drawing, which must be well-formed."""
    return ElementTree.fromstring(markup)


def marks(drawing: Element, name: str, class_: str) -> Iterator[Element]:
    """The elements that have a class, or that lie in a group that has it."""
    for element in drawing.iter():
        if class_ in element.get("class", "").split():
            yield from ([element] if element.tag == name else element.iter(name))


def per_cent(element: Element, attribute: str) -> float:
    text = element.get(attribute, "")
    assert text.endswith("%"), f"{attribute} is {text!r}"
    return float(text.removesuffix("%"))


def extent(bar: Element) -> tuple[float, float]:
    """From where to where a rectangle or a line reaches."""
    if bar.tag == "line":
        return per_cent(bar, "x1"), per_cent(bar, "x2")
    begins = per_cent(bar, "x")
    return begins, begins + per_cent(bar, "width")
