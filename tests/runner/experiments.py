# SPDX-License-Identifier: BSD-3-Clause
"""Experiments and backends that the tests of the runner's pure rooms share."""

from typing import Literal

from fibench.document import ExperimentError
from fibench.experiment import Experiment, KnownBackend, parse_experiment

_DESIGNS: dict[str, int | Literal["workers", "any"]] = {
    "sync": 1,
    "mp": "any",
    "mt": "any",
    "async": "any",
}
_CORES: dict[str, int | Literal["workers", "any"]] = {
    "sync": 1,
    "mp": "any",
    "mt": "any",
    "async": 1,
}
KNOWN = {
    f"{short}-{design}": KnownBackend(("message", "line"), serves, language, _CORES[design])
    for short, language in (("c", "c"), ("py", "python"))
    for design, serves in _DESIGNS.items()
    if (short, design) != ("c", "async")
}
KNOWN["c-mt-pool"] = KnownBackend(("message", "line"), "workers", "c", "workers")

GIL = """\
#:schema ../src_py/fibench/experiment.schema.json
title = "Threads cannot speed up CPU-bound Python; processes can"

[[matrix]]                     # every combination is a cell; several tables are joined
backend = ["py-sync", "py-mp", "py-mt", "py-async", "c-sync"]
n = 27                         # 20 ms of work for Python, 0.2 ms for C

[[matrix]]
backend = ["c-sync", "c-mp", "c-mt"]
n = 34                         # 7 ms of work for C

[server]
port = 2999
framing = "message"            # a connection for each request, as in the course

[load]
clients = 8
duration = "0.7s"
warmup = "0.2s"

[plan]
blocks = 10                    # every cell once per block, in shuffled order
seed = 7

[[claim]]
says = "Multiprocess beats threads when the work is CPU-bound Python"
because = "The GIL lets one thread at a time run Python code"
ratio = [{ backend = "py-mp" }, { backend = "py-mt" }]
metric = "throughput"
where = { n = 27 }
above = 1.3                    # or below, or within = [0.95, 1.05]
needs_cpus = 2

[[claim]]
says = "The GIL is why: threads use one core"
value = { backend = "py-mt" }
metric = "cores"
below = 1.1
needs_cpus = 2
"""

SMALL = """\
title = "t"
[[matrix]]
backend = ["py-sync", "py-mt"]
[server]
[load]
"""
CLAIM = """
[[claim]]
says = "c"
value = { backend = "py-mt" }
metric = "cores"
below = 1.1
"""
RATIO = """
[[claim]]
says = "r"
ratio = [{ backend = "py-mt" }, { backend = "py-sync" }]
metric = "throughput"
above = 1.3
"""
OWN = """
[backends.mine]
command = ["./my_server", "--threads", "4", "{port}"]
"""


def parse(text: str | bytes, overrides: dict[str, str] | None = None) -> Experiment:
    return parse_experiment(text, "e.toml", KNOWN, overrides)


def faults(text: str | bytes, overrides: dict[str, str] | None = None) -> list[str]:
    """What is wrong with a file: the first line and the hint of each fault."""
    try:
        parse(text, overrides)
    except ExperimentError as error:
        return [
            "\n".join([str(fault).split("\n")[0], *([fault.hint] if fault.hint else [])])
            for fault in error.diagnostics
        ]
    return []


def labels(text: str, overrides: dict[str, str] | None = None) -> list[str]:
    return [cell.label for cell in parse(text, overrides).cells]
