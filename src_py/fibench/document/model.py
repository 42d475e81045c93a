# SPDX-License-Identifier: BSD-3-Clause
"""The model of an experiment file, and the JSON Schema that editors check it with."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import ConfigDict, Field

from fibench.document.kinds import Checked, Name, of_kind, prose
from fibench.document.own_servers import BackendTable
from fibench.document.requests import PrepareTable, RequestTable
from fibench.document.tables import (
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
from fibench.metrics import CALLED, CLAIMED, GROUPS_HAVE, explained
from fibench.parameters import AXES, KEYS, Fault
from fibench.parameters.kinds import choice, interpreter, kind_of, whole
from fibench.wording import any_of, as_toml, one_of

OWN_AXIS = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
"""What an axis of the user's own is called."""
MOST_POINTS = 1000
"""That a claim can be worth."""
MOST_CAUSES = 8
"""Of one claim."""
CAUSE_EXAMPLE = '{ of = { backend = "py-mt" }, metric = "waiting_for_gil", above = 0.6 }'


def _bound(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Fault(f"must be a number, or text with a unit, not {kind_of(value)}")
    return value


def _metric(value: object) -> str:
    try:
        return choice(*CLAIMED).check(value)
    except Fault as fault:
        meant = CALLED.get(value.strip().lower(), ()) if isinstance(value, str) else ()
        if not meant:
            raise
        raise Fault(
            fault.what, f"did you mean {any_of([as_toml(one) for one in meant])}?"
        ) from fault


def two(value: object) -> object:
    """The check of a list of two. Raises Fault."""
    if not isinstance(value, list) or len(value) != 2:
        raise Fault("must be a list of two: [A, B]")
    return value


_ANY_BOUND = {"anyOf": [{"type": "number"}, {"type": "string"}]}
Bound = Annotated[int | float | str, Checked(_bound, _ANY_BOUND)]


def axis_of(axes: Sequence[str]) -> Callable[[object], object]:
    """The check of the name of an axis that has numbers."""

    def check(value: object) -> object:
        if isinstance(value, str) and value in KEYS and value not in axes:
            hint = f"axes: {one_of(axes, most=20)}"
            raise Fault(f"{as_toml(value)} has no numbers to go over", hint)
        return choice(*axes).check(value)

    return check


_OTHER_KEYS = "|".join(sorted({"backend", *KEYS} - set(AXES)))
_AXIS_SCHEMA = {
    "anyOf": [
        {"enum": list(AXES)},
        {"type": "string", "pattern": f"^(?!({_OTHER_KEYS})$){OWN_AXIS.pattern}$"},
    ]
}


class CrossoverTable(Table):
    """Two cells at each value of an axis: where does the first begin to win?"""  # noqa: D400

    over: Annotated[str, Checked(axis_of(AXES), _AXIS_SCHEMA)] = Field(
        description="The axis, a key with numbers for values, such as n, clients, rate or io_wait."
    )
    of: Annotated[
        list[SideTable],
        Checked(two),
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


def one_or_two(value: object) -> object:
    """One side, or a list of one or two. Raises Fault."""
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
        Checked(one_or_two, or_one=True),
        Field(
            description="A, whose rate is judged, or [A, B]: that of A divided by that of B is. "
            "Each, together with `where`, leaves just the rate free; A and B may have other rates.",
            json_schema_extra={"minItems": 1, "maxItems": 2},
        ),
    ]


def cause_tables(value: object) -> object:
    """The check of the causes of a claim, of which one may stand alone. Raises Fault."""
    causes = [value] if isinstance(value, dict) else value
    if not isinstance(causes, list) or not causes:
        kind = "an empty list" if causes == [] else kind_of(value)
        raise Fault(
            f"must be a table, or a list of them, not {kind}", f"write cause = [{CAUSE_EXAMPLE}]"
        )
    if len(causes) > MOST_CAUSES:
        raise Fault(f"has {len(causes)} tables; {MOST_CAUSES} are allowed")
    return causes


class CauseTable(Table):
    """A figure of one cell by which the cause of a claim is seen, or is not."""

    of: SideTable = Field(
        description="The cell: it, together with the claim's `where`, leaves just one."
    )
    metric: Annotated[str, Checked(_metric, choice(*CLAIMED).schema)] = Field(
        description="What is looked at: any metric that a claim may be about."
    )
    above: Annotated[
        Bound,
        Field(
            default=None,
            description="The cause is seen if the figure is above this, in the units of a `value`; "
            "a share is a number from 0 to 1.",
        ),
    ]
    below: Annotated[
        Bound, Field(default=None, description="It is seen if the figure is below this.")
    ]


class ClaimTable(Table):
    """What the experiment says is true, and how that is judged."""

    says: Annotated[str, prose(lines=False)] = Field(description="The claim, in words.")
    because: Annotated[str | None, prose(lines=True)] = Field(
        default=None, description="Why it should be so; shown with the verdict."
    )
    cause: Annotated[
        list[CauseTable],
        Checked(cause_tables, or_one=True),
        Field(
            default=(),
            description="By which figures it is seen that it is so for this reason, one or a list, "
            f"all of which must be seen: [{CAUSE_EXAMPLE}]. It is told with the verdict, and never "
            "changes it.",
        ),
    ]
    id: Name | None = Field(
        default=None, description="A short name of the claim. Default: made from `says`."
    )
    ratio: Annotated[
        list[SideTable],
        Checked(two),
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
    metric: Annotated[str, Checked(_metric, choice(*CLAIMED).schema)] = Field(
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
        Checked(two),
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
    points: Annotated[
        int,
        of_kind(whole(1, MOST_POINTS)),
        Field(
            default=None,
            description="What the claim is worth where a lab is graded (`grade`). Only of what "
            "another machine can be held to: a ratio, a ratio of rates that are sustained, or a "
            "value that is a count, a number per request or a number of cores.",
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

    def selectors(self) -> Iterator[tuple[tuple[str | int, ...], SideTable]]:
        """The same, and those of its causes."""
        yield from self.sides()
        for place, cause in enumerate(self.cause):
            yield ("cause", place, "of"), cause.of


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
    requests: dict[str, RequestTable] = Field(
        default={},
        description="What servers of the user's own are asked for, by the name that `request` "
        "calls it.",
    )
    prepare: Annotated[
        list[PrepareTable],
        Checked(tables_of("prepare"), or_one=True),
        Field(
            default=(),
            description="What servers of the user's own are asked once in each trial, in this "
            "order, when they are ready and before the load.",
        ),
    ]


TABLES: dict[str, type[Table]] = {
    "server": ServerTable,
    "load": LoadTable,
    "plan": PlanTable,
    "matrix": MatrixTable,
    "claim": ClaimTable,
    "prepare": PrepareTable,
    "exclude": SideTable,
    "load.group": GroupTable,
}
"""The tables of the file, by name."""


_ONE = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
_WITH_OWN_AXES: Mapping[str, object] = {
    "MatrixTable": {"anyOf": [*_ONE["anyOf"], {"type": "array", "items": _ONE, "minItems": 1}]},
    "SideTable": _ONE,
}
"""The tables that may have axes of the user's own, and what editors are told of those."""


def json_schema() -> str:
    """The JSON Schema of experiment files, as text; the same for the same models."""
    schema = ExperimentFile.model_json_schema(mode="validation")
    for table in [schema, *schema["$defs"].values()]:
        if table.get("title") in _WITH_OWN_AXES:
            table["additionalProperties"] = False
            table["patternProperties"] = {f"^{OWN_AXIS.pattern}$": _WITH_OWN_AXES[table["title"]]}
        for entry in table.get("properties", {}).values():
            entry.pop("title", None)
            if entry.get("default", 0) in (None, [], {}):
                del entry["default"]
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def slug(text: str) -> str:
    """A name made from prose: lower-case words joined by dashes, at most 64 characters; or ''."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:64].strip("-")
