# SPDX-License-Identifier: BSD-3-Clause
"""A picture as pixels, by a package that is not everywhere."""

from __future__ import annotations

from fibench import called
from fibench.export import ExportError
from fibench.page.charts.plain import SANS

_SCALE = 2.0
"""Pixels for each of the drawing: sharp on paper and on screens of today."""
_PROBE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{}</svg>'
_WORD = f'<text y="9" font-family="{SANS}">x</text>'


def has_font() -> bool:
    """Whether words can be drawn here. Raises ImportError where the package is not installed."""
    from resvg_py import svg_to_bytes

    return bool(svg_to_bytes(_PROBE.format(_WORD)) != svg_to_bytes(_PROBE.format("")))


def png(svg: str) -> bytes:
    """A picture as PNG. Raises ExportError where the package is not installed, or no font is."""
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise ExportError(
            "the format png needs the resvg-py package, which is not installed",
            f"install it: {called.installing('resvg-py', 'png')}; or take --format svg",
        ) from error
    if not has_font():
        raise ExportError(
            "a picture would have no words: this system has no font for them",
            "install one, as DejaVu or Liberation Sans, or take --format svg",
        )
    made: bytes = svg_to_bytes(svg, zoom=_SCALE)
    return made
