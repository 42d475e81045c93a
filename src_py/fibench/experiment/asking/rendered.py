# SPDX-License-Identifier: BSD-3-Clause
"""What the clients of a cell ask for, with the cell's values in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fibench.document import Source
from fibench.document.tables import GroupTable
from fibench.parameters import KEYS, Framing, Parameters, Scalar, shown_value
from fibench.requests import RenderingError, Template, WireRequest, render
from fibench.wording import as_toml

ASKED = "asked"
"""The parameter that says what all requests of a cell send and expect: a digest."""


def values_of(parameters: Parameters) -> dict[str, str]:
    """What stands in the place of names in braces, as the file writes each; without the port, the
    folder, and the number of workers where none is given."""
    named = {name: parameters.value_of(name) for name in KEYS}
    every = {**named, **dict(parameters.others)}
    return {
        name: shown_value(name, value)
        for name, value in every.items()
        if value is not None and name not in ("port", ASKED)
    }


class CellRequests(NamedTuple):
    """The requests of a cell."""

    asks: tuple[WireRequest, ...] = ()
    prepares: tuple[WireRequest, ...] = ()


@dataclass(frozen=True)
class Preparation:
    """What servers are asked once in each trial."""

    template: Template
    backends: Collection[str]


@dataclass(frozen=True)
class Requests:
    """The requests of a file."""

    templates: Mapping[str, Template] = field(default_factory=dict)
    prepares: Sequence[Preparation] = ()
    axes: tuple[str, ...] = ()
    """The axes of the user's own."""
    varied: frozenset[str] = frozenset()
    """The keys that the matrix varies: what requests may name in braces beside those axes."""
    kept: dict[object, WireRequest] = field(default_factory=dict, compare=False, repr=False)
    """Those rendered so far, by their templates and the values that these name."""

    def asked(self, given: Mapping[str, Scalar], groups: Iterable[GroupTable]) -> list[str]:
        """The names of what the clients ask for, each once; those of no request too."""
        every = list(groups)
        load = given.get("request")
        names = [group.given().get("request", load) for group in every if not group.idle]
        return [str(name) for name in dict.fromkeys(names if every else [load]) if name is not None]

    def named_by(self, given: Mapping[str, Scalar], groups: Iterable[GroupTable]) -> frozenset[str]:
        """The names in braces of all that the clients ask for."""
        found = (self.templates.get(name) for name in self.asked(given, groups))
        return frozenset(name for one in found if one is not None for name in one.names())

    def framing(self, given: Mapping[str, Scalar], groups: Iterable[GroupTable]) -> Framing:
        """How replies end to what the clients ask for first."""
        for name in self.asked(given, groups):
            if name in self.templates:
                return "http" if self.templates[name].method else "bytes"
        return "bytes"

    def rendered(self, parameters: Parameters, source: Source) -> CellRequests:
        """What a cell asks for; what is wrong with it is reported."""
        names = [group.request for group in parameters.groups if not group.idle]
        names = names if parameters.groups else [parameters.request]
        known = [
            self.templates[name]
            for name in dict.fromkeys(names)
            if name is not None and name in self.templates
        ]
        before = [one.template for one in self.prepares if parameters.backend in one.backends]
        try:
            values = {
                name: value
                for name, value in values_of(parameters).items()
                if name in self.axes or name in self.varied
            }
            asks = tuple(self._render(one, values) for one in known)
            return CellRequests(asks, tuple(self._render(one, values) for one in before))
        except RenderingError as error:
            source.report(error.path, f"{_called(error.path)} {error.what}", error.hint)
            return CellRequests()

    def _render(self, template: Template, values: Mapping[str, str]) -> WireRequest:
        """One request, rendered once for all cells that give it the same values."""
        named = {name: values[name] for name in sorted(template.names() & values.keys())}
        key = (template.path, tuple(named.items()))
        if key not in self.kept:
            self.kept[key] = render(template, named)
        return self.kept[key]


NO_REQUESTS = Requests()


def _called(path: Sequence[str | int]) -> str:
    """The last key of a path, as messages begin with it."""
    name = next(step for step in reversed(path) if isinstance(step, str))
    return name if name.isascii() and name.isidentifier() else as_toml(name)
