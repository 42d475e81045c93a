# SPDX-License-Identifier: BSD-3-Clause
"""Figures beside axes."""

from fibench.metrics import Unit, exact, scale_for


def tick_words(figure: float, unit: Unit) -> str:
    """A tick in a unit that suits it: `20 ms`; of a rate the number alone."""
    if unit == "1/s":
        return exact(figure)
    scale = scale_for(figure, unit) if figure > 0.0 else scale_for(1.0, unit)
    return exact(figure / scale.size) + (scale.suffix if figure > 0.0 else "")
