# SPDX-License-Identifier: BSD-3-Clause
"""The model of an experiment file, and the JSON Schema that editors check it with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from fibench.document.kinds import Checked, Name, of_kind, prose
from fibench.document.tables import (
    LONGEST_LIST,
    GroupTable,
    LoadTable,
    MatrixTable,
    PlanTable,
    ServerTable,
    SideTable,
    Table,
    listed,
    tables_of,
)
from fibench.metrics import CLAIMED, GROUPS_HAVE, explained
from fibench.parameters import AXES, KEYS, Fault, Framing
from fibench.parameters.kinds import choice, duration, interpreter, kind_of, true_or_false, whole
from fibench.parameters.parameters import FRAMING
from fibench.quantities import format_duration
from fibench.wording import any_of, as_toml, one_of

START_TIMEOUT_S = 10.0
"""How long a server may take until it listens, if the file does not say."""
LONGEST_START_S = 3600.0


def _bound(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Fault(f"must be a number, or text with a unit, not {kind_of(value)}")
    return value


def _two(value: object) -> object:
    if not isinstance(value, list) or len(value) != 2:
        raise Fault("must be a list of two: [A, B]")
    return value


_ANY_BOUND = {"anyOf": [{"type": "number"}, {"type": "string"}]}
Bound = Annotated[int | float | str, Checked(_bound, _ANY_BOUND)]


def _axis(value: object) -> object:
    if isinstance(value, str) and value in KEYS and value not in AXES:
        raise Fault(f"{as_toml(value)} has no numbers to go over", f"axes: {one_of(AXES, most=20)}")
    return choice(*AXES).check(value)


class CrossoverTable(Table):
    """Two cells at each value of an axis: where does the first begin to win?"""  # noqa: D400

    over: Annotated[str, Checked(_axis, {"enum": list(AXES)})] = Field(
        description="The axis, a key with numbers for values, such as n, clients, rate or io_wait."
    )
    of: Annotated[
        list[SideTable],
        Checked(_two),
        Field(
            description="A and B: each, together with `where`, leaves just the axis free.",
            json_schema_extra={"minItems": 2, "maxItems": 2},
        ),
    ]


def _rate(value: object) -> object:
    if value != "rate" and isinstance(value, str) and value in KEYS:
        what = f"{as_toml(value)} is nothing that a server has to keep up with"
        raise Fault(what, 'write over = "rate"')
    return choice("rate").check(value)


def _one_or_two(value: object) -> object:
    sides = [value] if isinstance(value, dict) else value
    if not isinstance(sides, list) or len(sides) not in (1, 2):
        raise Fault('must be a table, or a list of two: { backend = "py-mt" }, or [A, B]')
    return sides


class SustainsTable(Table):
    """The highest rate at which a latency stays below the claim's limit, of one or of two."""

    over: Annotated[str, Checked(_rate, {"enum": ["rate"]})] = Field(
        description='The axis: `rate`, of which the matrix has at least two values, or "search".'
    )
    of: Annotated[
        list[SideTable],
        Checked(_one_or_two, or_one=True),
        Field(
            description="A, whose rate is judged, or [A, B]: that of A divided by that of B is. "
            "Each, together with `where`, leaves just the rate free; A and B may have other rates.",
            json_schema_extra={"minItems": 1, "maxItems": 2},
        ),
    ]


class ClaimTable(Table):
    """What the experiment says is true, and how that is judged."""

    says: Annotated[str, prose(lines=False)] = Field(description="The claim, in words.")
    because: Annotated[str | None, prose(lines=True)] = Field(
        default=None, description="Why it should be so; shown with the verdict."
    )
    id: Name | None = Field(
        default=None, description="A short name of the claim. Default: made from `says`."
    )
    ratio: Annotated[
        list[SideTable],
        Checked(_two),
        Field(
            default=None,
            description="Two cells, A and B: the metric of A divided by that of B is judged.",
            json_schema_extra={"minItems": 2, "maxItems": 2},
        ),
    ]
    value: SideTable | None = Field(default=None, description="One cell: its metric is judged.")
    crossover: CrossoverTable | None = Field(
        default=None,
        description="Where the first of two begins to win over the other, as an axis rises: the "
        "value of the axis is judged. At least three of its values must have cells of both.",
    )
    sustains: SustainsTable | None = Field(
        default=None,
        description="The highest rate at which the metric, a latency, stays below `limit`: that "
        "rate is judged, or of two cells the ratio of their rates. A rate that saturates the "
        "server is above every limit.",
    )
    limit: Annotated[
        Bound,
        Field(
            default=None,
            description='Of `sustains`: what the metric must stay below, a time: "50ms".',
        ),
    ]
    group: Name | None = Field(
        default=None,
        description=f"The client group whose metric is judged: {any_of(GROUPS_HAVE)}. Default: "
        "all clients.",
    )
    metric: Annotated[str, of_kind(choice(*CLAIMED))] = Field(
        description=f"What is judged: {explained()}."
    )
    where: SideTable | None = Field(default=None, description="Values that both sides share.")
    above: Annotated[
        Bound,
        Field(
            default=None,
            description="Holds if the ratio, value or crossover is above this. Values of time and "
            'size have a unit: "5ms", "30MiB"; a crossover has that of its axis. A rate that is '
            'sustained holds if it is at least this: "150/s".',
        ),
    ]
    below: Annotated[Bound, Field(default=None, description="Holds if it is below this.")]
    within: Annotated[
        list[Bound],
        Checked(_two),
        Field(
            default=None,
            description="Holds if it lies between these two.",
            json_schema_extra={"minItems": 2, "maxItems": 2},
        ),
    ]
    needs_cpus: Annotated[int, of_kind(whole(1, 4096))] = Field(
        default=1, description="Physical cores without which the claim cannot be tested."
    )
    needs_backend: Annotated[
        list[Name],
        Checked(listed, or_one=True),
        Field(
            default=(),
            description="Backends, one or a list, that must be able to run here for the claim to "
            "be tested; those that it compares need not be named.",
        ),
    ]
    needs_interpreter: Annotated[
        list[Annotated[str, of_kind(interpreter("needs_interpreter"))]],
        Checked(listed, or_one=True),
        Field(
            default=(),
            description="Interpreters, one or a list, named as in `interpreter`, that must be "
            "installed here for the claim to be tested.",
        ),
    ]

    def sides(self) -> Iterator[tuple[tuple[str | int, ...], SideTable]]:
        """Every table that selects cells, with its path within the claim."""
        for place, side in enumerate(self.ratio or ()):
            yield ("ratio", place), side
        if self.value is not None:
            yield ("value",), self.value
        if self.crossover is not None:
            for place, side in enumerate(self.crossover.of):
                yield ("crossover", "of", place), side
        if self.sustains is not None:
            for place, side in enumerate(self.sustains.of):
                yield ("sustains", "of", place), side
        if self.where is not None:
            yield ("where",), self.where


def _command(value: object) -> object:
    example = '["./my_server", "{port}"]'
    if isinstance(value, str):
        raise Fault(
            "must be a list of arguments, not one text; there is no shell",
            f"write command = {example}",
        )
    if not isinstance(value, list) or not value:
        raise Fault("must be a list of arguments", f"write command = {example}")
    if len(value) > LONGEST_LIST:
        raise Fault(f"has {len(value)} arguments; {LONGEST_LIST} are allowed")
    for word in value:
        if not isinstance(word, str):
            raise Fault(f"must be a list of text, not of {kind_of(word)}", f"write {example}")
        if "\0" in word:
            raise Fault("contains a NUL character", "no program can be given one")
    if not value[0]:
        raise Fault("names no program: its first argument is empty")
    if "{port}" in value[0]:
        raise Fault("must begin with the program, not with {port}", f"write {example}")
    if not any("{port}" in word for word in value):
        raise Fault("lacks {port}", f"the server must be told its port: command = {example}")
    return value


def _serves(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1_000_000:
        return value
    if value == "any":
        return value
    raise Fault('must be "any" or the number of connections served at once')


def _cores(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1_000_000:
        return value
    if value == "any":
        return value
    raise Fault('must be "any" or the number of cores that it can keep busy', "write cores = 1")


class BackendTable(Table):
    """A server of the user's own, in any language."""

    command: Annotated[
        list[str],
        Checked(_command),
        Field(
            description="The program and its arguments; {port} is replaced. Never a shell. A "
            "relative program with a slash is found from the folder of the experiment file, "
            "which is also where it runs; a bare name is looked up in your PATH. Plan and report "
            "say which Python it is, if it is one.",
            json_schema_extra={"minItems": 1},
        ),
    ]
    framing: Annotated[Framing, of_kind(FRAMING)] = Field(
        default="message", description="The framing that it speaks."
    )
    serves: Annotated[
        int | Literal["any"],
        Checked(_serves, {"anyOf": [{"const": "any"}, {"type": "integer", "minimum": 1}]}),
    ] = Field(default="any", description="How many connections it serves at once.")
    cores: Annotated[
        int | Literal["any"] | None,
        Checked(_cores, {"anyOf": [{"const": "any"}, {"type": "integer", "minimum": 1}]}),
    ] = Field(
        default=None,
        description="How many cores it can keep busy: an event loop uses one. Left out, as many as "
        "it serves connections at once.",
    )
    ready_fd: Annotated[bool, Checked(true_or_false)] = Field(
        default=False,
        description="Whether it takes --ready-fd FD and writes its port there once it listens. "
        "Otherwise readiness is learnt by connecting.",
    )
    start_timeout: Annotated[float, of_kind(duration(0.1, LONGEST_START_S))] = Field(
        default=START_TIMEOUT_S,
        description="How long it may take until it listens. A server that takes longer is ended, "
        "and its trial has failed.",
        json_schema_extra={"default": format_duration(START_TIMEOUT_S)},
    )


class ExperimentFile(Table):
    """An experiment: which servers are measured under which load, and what should come out."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="fibench experiment")

    title: Annotated[str, prose(lines=False)] = Field(
        description="What the experiment shows, in one line."
    )
    description: Annotated[str | None, prose(lines=True)] = Field(
        default=None, description="More about it, for those who read the results."
    )
    matrix: Annotated[
        list[MatrixTable],
        Checked(tables_of("matrix"), or_one=True),
        Field(description="What is varied: each combination of values is a cell."),
    ]
    exclude: Annotated[
        list[SideTable],
        Checked(tables_of("exclude"), or_one=True),
        Field(default=(), description="Cells that match one of these are left out."),
    ]
    server: ServerTable = Field(default=ServerTable(), description="How servers are started.")
    load: LoadTable = Field(default_factory=LoadTable, description="What the load is.")
    plan: PlanTable = Field(default=PlanTable(), description="Repetitions and their order.")
    claim: Annotated[
        list[ClaimTable],
        Checked(tables_of("claim"), or_one=True),
        Field(default=(), description="What is judged."),
    ]
    backends: dict[str, BackendTable] = Field(
        default={}, description="Servers of the user's own, by the name they get here."
    )


TABLES: dict[str, type[Table]] = {
    "server": ServerTable,
    "load": LoadTable,
    "plan": PlanTable,
    "matrix": MatrixTable,
    "claim": ClaimTable,
    "exclude": SideTable,
    "load.group": GroupTable,
}
"""The tables of the file, by name."""


def json_schema() -> str:
    """The JSON Schema of experiment files, as text; the same for the same models."""
    schema = ExperimentFile.model_json_schema(mode="validation")
    for table in [schema, *schema["$defs"].values()]:
        for entry in table.get("properties", {}).values():
            entry.pop("title", None)
            if entry.get("default", 0) in (None, [], {}):
                del entry["default"]
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def slug(text: str) -> str:
    """A name made from prose: lower-case words joined by dashes, at most 64 characters; or ''."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:64].strip("-")
