# SPDX-License-Identifier: BSD-3-Clause
"""SVG whose marks stand in per cent of its width: one drawing serves a phone, a desktop and paper.

Nothing is scaled, so that text keeps its size, and no script is needed. Presentation attributes
carry the colours of the light page; classes let the style sheet replace them. Whatever comes from
outside goes through `element`, which escapes it.
"""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from fibench.page.draw.palette import GRID_LINE
from fibench.wording import shown

Attribute = str | int | float | None


def coordinate(figure: float) -> str:
    """A coordinate, to a hundredth."""
    text = f"{figure:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def across(place: float) -> str:
    """A place across the drawing, or a width."""
    return f"{coordinate(place)}%"


def element(name: str, *children: str, **attributes: Attribute) -> Markup:
    """An element; `stroke_width` is the attribute stroke-width, `class_` is class. None: left out.

    Children that are no markup are text, and escaped.
    """
    said = []
    for key, value in attributes.items():
        if value is not None:
            text = coordinate(value) if isinstance(value, float) else shown(str(value))
            said.append(f' {key.rstrip("_").replace("_", "-")}="{escape(text)}"')
    inner = joined(child if isinstance(child, Markup) else shown(child) for child in children)
    head = f"<{name}{''.join(said)}"
    return Markup(f"{head}>{inner}</{name}>" if children else f"{head}/>")


def joined(parts: Iterable[str]) -> Markup:
    """Elements in a row."""
    return Markup("").join(parts)


def line(x1: float, x2: float, y1: float, y2: float, **more: Attribute) -> Markup:
    """A straight line; x in per cent, y in pixels."""
    return element("line", x1=across(x1), x2=across(x2), y1=float(y1), y2=float(y2), **more)


def rect(x1: float, x2: float, y: float, height: float, **more: Attribute) -> Markup:
    """A rectangle between two places."""
    left, width = min(x1, x2), abs(x2 - x1)
    return element(
        "rect", x=across(left), width=across(width), y=float(y), height=float(height), **more
    )


def circle(x: float, y: float, r: float, title: str = "", **more: Attribute) -> Markup:
    """A dot; its title is what a pointer or a screen reader is told."""
    inner = [element("title", title)] if title else []
    return element("circle", *inner, cx=across(x), cy=float(y), r=float(r), **more)


def caption(x: float, y: float, said: str, **more: Attribute) -> Markup:
    """Words at a place."""
    return element("text", said, x=across(x), y=float(y), **more)


def use(what: str, x: float, y: float, title: str = "", **more: Attribute) -> Markup:
    """A mark that the page defines once."""
    inner = [element("title", title)] if title else []
    return element("use", *inner, href=f"#{what}", x=across(x), y=float(y), **more)


def grid(places: Iterable[float], height: float, name: str, *, is_first: bool) -> Markup:
    """Upright lines of the rows of a table: drawn in the first of them, by a name that is the
    page's only one, and repeated in the others."""
    if not is_first:
        return element("use", href=f"#{name}")
    lines = [line(at, at, 0.0, height, stroke=GRID_LINE, class_="grid") for at in places]
    return element("g", *lines, id=name)


def canvas(height: float, *marks: str, label: str = "", class_: str | None = None) -> Markup:
    """A drawing as wide as its place; without a label it is for the eye alone."""
    named = {"role": "img", "aria_label": label} if label else {"aria_hidden": "true"}
    return element("svg", *marks, width="100%", height=float(height), class_=class_, **named)


def stretched(x: float, width: float, height: float, *marks: str) -> Markup:
    """A drawing within one, whose own 1000 by 1000 fill the place: for lines of many points, which
    take no per cents."""
    return element(
        "svg",
        *marks,
        viewBox="0 0 1000 1000",
        preserveAspectRatio="none",
        x=across(x),
        width=across(width),
        height=float(height),
    )


def points(places: Iterable[tuple[float, float]]) -> str:
    """The points of a polyline."""
    return " ".join(f"{x:.0f},{y:.0f}" for x, y in places)
