# SPDX-License-Identifier: BSD-3-Clause
"""The reference of experiment files, docs/experiments.md, written from the models.

`python -m fibench.develop.reference` prints it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fibench.document import json_schema

_HEAD = """\
# The keys of an experiment file

Written by `python -m fibench.develop.reference` from what the runner accepts; do not edit.
How to measure a server of your own, with whole examples: [own-server.md](own-server.md).

A duration is text with a unit (`"200ms"`, `"1.5s"`); a rate is text or a number (`"500/s"`, `500`).
`[server]` and `[load]` give one value for every cell. `[matrix]`, or several `[[matrix]]`, vary
`backend` and any key but `port` and `cpus`, and axes of your own: one value or a list; every
combination within a table is a cell. A key in both is an error. A file has at most 256 KiB, keys of
16 dotted parts, values nested 32 deep, 5,000 cells and 100,000 trials.

**Client groups.** Each `[[load.group]]` is some of the clients, which ask for something of their
own, or for nothing:

    [[load.group]]
    name = "small"
    clients = 7
    n = 1

    [[load.group]]
    name = "slow"
    clients = 1
    n = 30

    [[load.group]]
    name = "idle"
    clients = 1000
    idle = true

What a group does not give comes from `[load]`, or from `[[matrix]]`, where it may vary. Results
count all groups together and each by itself; a claim may say `group = "small"`.

**Requests.** Servers of your own may be asked for anything that has one known reply. Each
`[requests.NAME]` is HTTP/1.1 (`get = "/"`, `post = "/login"` with `body` and `headers`) or bytes
(`send`), and says what must come back; `request = "NAME"` asks for it: an axis of `[[matrix]]`, a
key of `[load]` or of a client group, and what selects cells in claims.

    [requests.page]
    get = "/page?kb={kb}"
    expect = { status = 200, bytes = 1024 }

    [requests.ping]
    send = "PING\\r\\n"
    expect = "+PONG\\r\\n"

    [[prepare]]
    for = "redis"
    send = "SET k abc\\r\\n"
    expect = "+OK\\r\\n"

A reply to `send` ends when as many bytes have come as are expected; a reply of HTTP as HTTP says.
`n`, `framing` and `requests_per_connection` do not go together with a request; `pipeline` does.

**Braces.** In `command` and `env` of a server of your own, names in braces are replaced: `{port}`,
`{host}`, `{dir}` (a folder of its own in each trial, where its `files` lie), `{workers}` (the
physical cores that it may use, where no number is given), and every key and axis of the cell,
written as in the file. An unknown name is an error, and a literal brace is doubled: `{{`. In
`files` the same names are replaced, in requests the axes of `[[matrix]]`; every other brace stays
as it is. What has been put in is not looked at again.

**Axes of your own.** A key of `[[matrix]]` that fibench does not know, and that a command, env,
file or request names in braces, is an axis: whole numbers or text. It makes no further cells of
servers that neither name it nor are asked for what does.

    [backends.redis]
    command = ["redis-server", "--bind", "{host}", "--port", "{port}",
               "--io-threads", "{io_threads}"]

    [[matrix]]
    backend = "redis"
    request = ["ping", "get"]
    io_threads = [1, 2, 4]

**Crossovers.** `crossover = { over = "n", of = [A, B] }` asks from which `n` on A wins over B. The
bound is a value of the axis: `within = [20, 26]`.

**Causes.** A claim that holds is no proof of its `because`. `cause` names figures by which that is
seen:

    [[claim]]
    says = "Processes beat threads when the work is CPU-bound Python"
    because = "The GIL lets one thread at a time run Python code"
    cause = [
        { of = { backend = "py-mt" }, metric = "waiting_for_gil", above = 0.6 },
        { of = { backend = "py-mp" }, metric = "waiting_for_gil", below = 0.05 },
    ]
    ratio = [{ backend = "py-mp" }, { backend = "py-mt" }]
    metric = "throughput"
    above = 1.3

`of` selects one cell, together with the claim's `where`, as `value` does; along the axis of a
crossover it says where. A report tells it with the verdict, "and the cause was seen: py-mt's
threads waited for the GIL 81 % [80, 82] of their time", "but its stated cause was not seen", or
that it is not known, and why. All causes of a claim must be seen. They decide nothing: not the
verdict, not the exit status, nor when the run is done. `[plan] timelines = false` leaves out what
threads wait for.

**Rates that are sustained.** The highest rate at which a latency stays below a limit:

    [[claim]]
    says = "py-mt holds p99 below 50 ms up to 150 requests a second"
    sustains = { over = "rate", of = { backend = "py-mt" } }
    metric = "p99"
    limit = "50ms"
    above = "150/s"

It is interpolated between the rates of `[[matrix]]`, at least two; one that saturates the server is
above every limit, and nothing is interpolated up to it. A rate that was measured and is held is
sustained: `above = "150/s"` asks for no more. What a run sees are the first seconds of a server
that was idle, so that a rate is held only where all blocks together show that what waits does not
go on to grow, as it does at the capacity and above, however slowly. Near the capacity that takes
long windows (`duration`), and what comes after them no run tells. With `of = [A, B]` the bound is a
number, that of A's rate divided by B's: `above = 1.5`. A and B may be measured at other rates than
each other.

Who does not know which rates to measure has the run search for them:

    [[matrix]]
    backend = ["py-mt", "py-async"]
    rate = "search"

Before its first block it makes up to eight short trials for each backend (or other values of the
table) and each limit that claims name, and chooses five rates about what is sustained; a rate that
a claim names is measured too if it lies between them. These trials decide nothing else. No rate is
looked at that is too slow for the replies that the metric needs in a window, 100 for p90 and 1000
for p99: a longer `duration` reaches slower ones, and `plan` says so of a rate that a claim names.
Rates may be fixed beside them, `rate = ["150/s", "search"]`, and only `sustains` can be about rates
that are searched. In tables and plans such a rate is called `searched` until it is known.

**Interpreters.** `interpreter = ["3.6", "python3.13", "pypy3"]` measures servers in Python on each:

- a name without a slash is a program on the PATH, else a version of pyenv: `python3.13`, `pypy3`;
- a version is the latest of pyenv that it can mean, else that Python on the PATH: `3.6`, `3.13.1`,
  `3.13t` for a free-threaded build;
- a path, from the folder of the file: `./venv/bin/python`.

Versions are looked for in `$PYENV_ROOT` or `~/.pyenv`. Shims are passed over, since which Python
they start depends on the folder. Servers in other languages have one cell each, whatever the list
is. The command `interpreters` starts each Python that there is once, and lists what to write for
it, its version, whether it has a GIL, and whether it can make sub-interpreters, as
`py-async-interp` does; of those that cannot run the servers it says why. A server inherits no
`PYTHON_GIL`: who wants a free-threaded build with its GIL names a script that sets it, `exec env
PYTHON_GIL=1 python3.14t "$@"`.

**What cannot run here.** Interpreters that are not installed, backends that need what the machine
lacks, and servers of your own whose program is not on the PATH, or whose `needs` are not met, are
left out of the plan, and `plan` and `run` say why, with the command that installs it where it is
known. To find out, both start once what is in doubt: an interpreter that the file names, and the
servers on it; a backend with `needs` in the catalogue; and the `needs` of a server of your own:

    [backends.gevent]
    command = ["python3", "-m", "gunicorn", "-b", "{host}:{port}", "-k", "gevent", "app:app"]
    needs = ["python3", "-c", "import gunicorn, gevent"]
    install = "pip install gunicorn gevent"

Claims about such cells are NOT HERE; so are those that name more with `needs_backend` or
`needs_interpreter`.
"""

_TABLES = (
    ("ExperimentFile", "At the top"),
    ("ServerTable", "[server]"),
    ("LoadTable", "[load]"),
    ("GroupTable", "[[load.group]]: some of the clients"),
    ("PlanTable", "[plan]"),
    ("ClaimTable", "[[claim]]"),
    ("CauseTable", "cause, of a [[claim]]"),
    ("CrossoverTable", "crossover, of a [[claim]]"),
    ("SustainsTable", "sustains, of a [[claim]]"),
    ("BackendTable", "[backends.NAME]: a server of your own"),
    ("RequestTable", "[requests.NAME]: what it is asked for"),
    ("PrepareTable", "[[prepare]]: what it is asked once in each trial"),
)


def experiments_reference() -> str:
    """The page, as Markdown."""
    return "\n".join([_HEAD, *_lines(json.loads(json_schema()))]) + "\n"


def _lines(schema: Mapping[str, Any]) -> Iterator[str]:
    tables = {**schema["$defs"], "ExperimentFile": schema}
    for name, title in _TABLES:
        table = tables[name]
        yield f"## {title}\n"
        yield from ("| key | default | meaning |", "|---|---|---|")
        required = set(table.get("required", ()))
        for key, entry in table["properties"].items():
            default = "required" if key in required else _default(entry.get("default"))
            yield f"| `{key}` | {default} | {_cell(entry.get('description', ''))} |"
        yield ""


def _default(value: object) -> str:
    if value is None or isinstance(value, list | dict):
        return ""
    return f"`{_cell(json.dumps(value))}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(experiments_reference(), end="")
