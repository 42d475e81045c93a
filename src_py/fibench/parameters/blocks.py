# SPDX-License-Identifier: BSD-3-Clause
"""How many blocks a run has: a number, or as many as it takes until its claims are clear."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fibench.parameters.kinds import AUTO, Fault, Kind, kind_of
from fibench.wording import as_toml, escaped

MOST_BLOCKS = 10_000
FEWEST_BLOCKS = 5
"""No verdict rests on fewer, whether their number is fixed or a run ends since all is clear."""
MOST_LOOKED_AT = 200
"""Critical values for more looks take longer than anyone would wait for them at a block's end."""
_WAYS = 'write "auto", a number such as 8, or { least = 6, most = 20 }'
_TYPED = re.compile(r"([0-9]{1,18})\.\.([0-9]{1,18})", re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True)
class Blocks:
    """Every cell is measured in the `least` blocks; none in more than `most`.

    Where these are the same, the number is fixed, and nothing that is measured changes it.
    """

    least: int
    most: int
    fewest: int = FEWEST_BLOCKS
    """With fewer blocks than this nothing is judged; earlier versions were content with less."""

    @property
    def fixed(self) -> bool:
        """Whether the number is fixed."""
        return self.least == self.most

    def __str__(self) -> str:
        """As the command line has it."""
        return str(self.most) if self.fixed else f"{self.least}..{self.most}"


DEFAULT = Blocks(6, 20)
"""What "auto" means: docs/statistics.md says why not fewer."""
EARLIER_FEWEST = 3
"""What fixed runs of earlier versions were judged from; of fewer blocks nothing is said at all."""


def kept_blocks(plan: Mapping[str, object]) -> Blocks | None:
    """What plan.json says: its `blocks` are the most. Earlier versions knew no `least_blocks`.

    None where it says nothing that could be.
    """
    most, least = plan.get("blocks"), plan.get("least_blocks")
    if "least_blocks" not in plan and type(most) is int and 1 <= most <= MOST_BLOCKS:
        return Blocks(most, most, EARLIER_FEWEST)
    try:
        return _of_table({"least": least, "most": most})
    except Fault:
        return None


def _blocks(value: object) -> Blocks:
    """Blocks as TOML has them, checked. Raises Fault."""
    if isinstance(value, dict):
        return _of_table(value)
    if value == AUTO:
        return DEFAULT
    if isinstance(value, str):
        raise Fault(f"{as_toml(value)} is neither {as_toml(AUTO)} nor a number", _WAYS)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Fault(f"must be a whole number or {as_toml(AUTO)}, not {kind_of(value)}", _WAYS)
    if not 1 <= value <= MOST_BLOCKS:
        raise Fault(f"{as_toml(value)} is outside 1 to {MOST_BLOCKS}")
    return Blocks(value, value)


def blocks() -> Kind[Blocks]:
    """A number, the least and the most, or "auto"; on the command line 8, 6..20 or auto."""

    def word(text: str) -> object:
        typed = _TYPED.fullmatch(text)
        if typed is not None:
            return {"least": int(typed[1]), "most": int(typed[2])}
        if _WHOLE.fullmatch(text) is not None:
            return int(text)
        if text != AUTO:
            what = f'"{escaped(text[:40])}" is no number of blocks'
            raise Fault(what, "write auto, a number such as 8, or 6..20")
        return text

    table = {
        "type": "object",
        "properties": {
            "least": {"type": "integer", "minimum": 1, "maximum": MOST_BLOCKS},
            "most": {"type": "integer", "minimum": 1, "maximum": MOST_BLOCKS},
        },
        "required": ["least", "most"],
        "additionalProperties": False,
    }
    number = {"type": "integer", "minimum": 1, "maximum": MOST_BLOCKS}
    return Kind(Blocks, _blocks, {"anyOf": [{"const": AUTO}, number, table]}, word=word)


def _of_table(value: Mapping[str, object]) -> Blocks:
    """{ least, most }, checked. Raises Fault."""
    unknown = [name for name in value if name not in ("least", "most")]
    if unknown:
        raise Fault(f"has the unknown key {as_toml(unknown[0])}", _WAYS)
    for name in ("least", "most"):
        if name not in value:
            raise Fault(f"lacks {name}", _WAYS)
    least, most = value["least"], value["most"]
    for name, one in (("least", least), ("most", most)):
        if type(one) is not int:
            raise Fault(f"must have a whole number as {name}, not {kind_of(one)}", _WAYS)
    assert isinstance(least, int)
    assert isinstance(most, int)
    if least > most:
        raise Fault(f"has a least, {least}, above its most, {most}", "exchange them")
    if least == most:
        if not 1 <= most <= MOST_BLOCKS:
            raise Fault(f"{as_toml(most)} is outside 1 to {MOST_BLOCKS}")
        return Blocks(least, most)
    if least < FEWEST_BLOCKS or most > MOST_LOOKED_AT:
        limits = f"{FEWEST_BLOCKS} to {MOST_LOOKED_AT}"
        raise Fault(f"from {least} to {most} is outside {limits}", "a fixed number may be larger")
    return Blocks(least, most)
