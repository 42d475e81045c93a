# SPDX-License-Identifier: BSD-3-Clause
"""What cells are called beside a claim: no longer than tells them from each other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fibench.wording import shown

if TYPE_CHECKING:
    from fibench.experiment import Cell


def side_names(left: Cell, right: Cell | None) -> tuple[str, str, str]:
    """The names of both sides, and the axes that they share: ("py-mp", "py-mt", "n=27").

    A side is named by its backend and by the axes in which the two differ; where nothing differs,
    by its whole label.
    """
    axes = label_axes(left)
    if right is None:
        return shown(left.backend), "", shown(" ".join(axes))
    shared = [axis for axis in axes if axis in label_axes(right)]
    one, other = (
        " ".join([cell.backend, *(axis for axis in label_axes(cell) if axis not in shared)])
        for cell in (left, right)
    )
    if one == other:
        return shown(left.label), shown(right.label), ""
    return shown(one), shown(other), shown(" ".join(shared))


def label_axes(cell: Cell) -> list[str]:
    """The words of a label after the backend: `n=27`."""
    # A value may have spaces in it: a path does.
    return re.split(r" (?=[a-z_]+=)", cell.label.removeprefix(cell.backend))[1:]


def name_among(cell: Cell, others: Iterable[Cell]) -> str:
    """A cell's backend, and the axes in which it differs from any of the others."""
    every = [label_axes(one) for one in others]
    own = [axis for axis in label_axes(cell) if not all(axis in axes for axes in every)]
    return shown(" ".join([cell.backend, *own]))
