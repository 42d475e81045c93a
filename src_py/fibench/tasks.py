# SPDX-License-Identifier: BSD-3-Clause
"""The commands, as an Invoke collection: thin wrappers only. program.py runs them; those that only
a checkout has are in develop/tasks_of_sources.py.

Every option is text that the command itself validates: Invoke's own conversion of types ends in a
traceback for a mistyped number. Imports happen where they are used, so that `invoke --list`
answers at once.
"""

if __name__ == "tasks":
    # An `invoke` that is started in this folder takes this file for the checkout's.
    import runpy
    from pathlib import Path

    runpy.run_path(str(Path(__file__).resolve().parents[2] / "tasks.py"))

import sys
from typing import NoReturn

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import Task

import fibench
from fibench import called
from fibench.commands.helping.declaring import Body, command
from fibench.commands.program import CommandLine
from fibench.develop.tasks_of_sources import OF_THE_SOURCES
from fibench.export import OF_LISTS, OF_RUNS, PICTURES
from fibench.parameters import server_option
from fibench.wording import any_of


@command(
    "experiment",
    help={
        "experiment": "a file, or its name: gil",
        "fresh": "begin anew, instead of going on with an unfinished run",
        "predict": "ask first what you expect of each claim: h holds, d does not, c too close",
        "as_": "the name of who makes the run: it draws the seed, and `runs` tells it",
        "allow": "inconclusive: end with 0 where nothing else stands in the way",
    },
)
def run(
    context: Context,
    overrides: dict[str, str],
    experiment: str,
    fresh: bool = False,
    predict: bool = False,
    as_: str = "",
    allow: str = "",
) -> int:
    """Build, measure, judge and report an experiment; goes on with an unfinished run."""
    from fibench.commands import run as commands

    return commands.run(experiment, overrides, fresh, predict, as_ or None, allow)


@command(
    "experiment",
    help={"experiment": "a file, or its name: gil", "json": "print the plan as JSON"},
)
def plan(context: Context, overrides: dict[str, str], experiment: str, json: bool = False) -> int:
    """Validate an experiment and show what would run here; measures nothing."""
    from fibench.commands import run as commands

    return commands.plan(experiment, overrides, as_json=json)


@command(
    "first",
    "second",
    name="try",
    help={
        "first": "a backend, or its program: py-mt, mt_server.py",
        "second": "another",
        "seconds": "how long it may take, once all is built (default: 15)",
    },
)
def try_(
    context: Context, overrides: dict[str, str], first: str, second: str, seconds: str = "15"
) -> int:
    """Measure two designs beside each other for some seconds: which is faster, and by how much."""
    from fibench.commands import trying

    return trying.try_out(first, second, seconds, overrides)


@command(
    "backend",
    help={
        "backend": "a backend, or its program: py-mt, mt_server.py; or a name of --file",
        "file": "the experiment of whose cells it is; or a second word: watch NAME FILE",
        "json": "print what was seen as JSON",
    },
)
def watch(
    context: Context, of_cell: dict[str, str], backend: str, file: str = "", json: bool = False
) -> int:
    """Load a server for half a second, and draw what its threads do: who waits where, and why.

    Without a file 8 clients with connections that they keep ask for numbers that take about 20 ms.
    """
    from fibench.commands.watching import watch as commands

    return commands.watch(backend, file, of_cell, as_json=json)


@command(help={"json": "print the list as JSON"})
def backends(context: Context, json: bool = False) -> int:
    """List every design: what it is, and whether it can run here."""
    from fibench.commands import serve as commands

    return commands.backends(as_json=json)


@command(help={"json": "print the list as JSON"})
def interpreters(context: Context, json: bool = False) -> int:
    """List every Python that servers could run on here: what to write for it, and what it is."""
    from fibench.commands.listing import pythons

    return pythons.interpreters(as_json=json)


@command(
    "backend",
    help={
        "backend": "a backend, or its program: py-mt, mt_server.py; or a name of --file",
        "file": "the experiment whose [backends.NAME] it is; or a second word: serve NAME FILE",
        "port": "port to listen on (default: 2999)",
        "interpreter": "what runs a server in Python: python3.13, 3.13 (of pyenv), or a path",
        "verbose": "a line for each connection and request",
    },
)
def serve(
    context: Context,
    of_server: dict[str, str],
    backend: str,
    file: str = "",
    port: str = "",
    interpreter: str = "",
    verbose: bool = False,
) -> int:
    """Build, and run one server in the foreground until Ctrl-C: of the catalogue, or of a file.

    With --file, a server of the user's own is started as in the file's first cell that has it:
    with its variables and its files, in a temporary folder.
    """
    if file:
        from fibench.commands.serving import serve_own

        return serve_own(backend, file, port, of_server, interpreter, verbose=verbose)
    from fibench.commands import serve as commands

    options = [word for key, text in of_server.items() for word in (server_option(key), text)]
    options += ["--verbose"] if verbose else []
    return commands.serve(backend, port or "2999", options, interpreter)


@command(
    "port",
    help={
        "port": "where it listens",
        "json": "print what fibload says as JSON, histograms and all",
    },
)
def load(context: Context, of_load: dict[str, str], port: str, json: bool = False) -> int:
    """Load a server that runs already, and say how fast its replies come: no file, no claims."""
    from fibench.commands import serve as commands

    return commands.load(port, of_load, as_json=json)


@command(help={"json": "print the findings as JSON"})
def doctor(context: Context, json: bool = False) -> int:
    """Say what on this machine would disturb a measurement; changes nothing."""
    from fibench.commands import doctor as commands

    return commands.doctor(as_json=json)


_OUTPUT = {
    "output": "write to this file instead of standard output",
    "replace": "replace the file of --output if it exists",
}


@command(
    "run",
    help={
        "run": "a run's folder, its name (gil, gil~1), or a page that carries it: report.html",
        "format": f"{any_of((*OF_RUNS, *PICTURES))} (default: text)",
        "open": "show it in a browser: a page, kept as report.html in the run's folder",
        "chart": "of svg and png: which chart; without it --output is a folder for all of them",
        "claims": "judge it by the claims of this file, marked as added afterwards",
        "allow": "inconclusive: end as run would, and with 0 where nothing else stands in the way",
        **_OUTPUT,
    },
)
def report(
    context: Context,
    run: str,
    format: str = "",  # noqa: A002 - the option is --format
    output: str = "",
    claims: str = "",
    replace: bool = False,
    open: bool = False,  # noqa: A002 - the option is --open
    chart: str = "",
    allow: str = "",
) -> int:
    """Show a run again, or write it in another format; html is a page to look at."""
    from fibench.commands import review as reviewing

    if chart or reviewing.is_picture(format):
        pictures = reviewing.Pictures(format, chart, opened=open)
        return reviewing.charts(run, pictures, output, claims, replace=replace)
    return reviewing.report(run, format, output, claims, replace=replace, opened=open, allow=allow)


@command(
    "lab",
    several=["run"],
    help={
        "lab": "the teacher's file, whose claims have points",
        "run": "a run's folder, its name, a page that carries it, or a folder of these; as many "
        "as there are, also as bare words: grade LAB RUN RUN",
        "format": "csv, gradescope or classroom50 (default: csv)",
        **_OUTPUT,
    },
)
def grade(
    context: Context,
    lab: str,
    run: list[str] | None = None,
    format: str = "csv",  # noqa: A002 - the option is --format
    output: str = "",
    replace: bool = False,
) -> int:
    """Grade runs that were handed in: the claims of a teacher's file, each with its points."""
    from fibench.commands import review as reviewing

    return reviewing.grade(lab, run or [], format, output, replace=replace)


@command(
    "first",
    "second",
    help={
        "first": "a run's folder, or its name: gil~1; several, with commas: gil~2,gil~3",
        "second": "another: gil; or several: gil,gil~1",
        "format": any_of(OF_LISTS),
        "fail-above": "end with status 3 if a ratio surely is worse by more than this: 5%",
        **_OUTPUT,
    },
)
def compare(
    context: Context,
    first: str,
    second: str,
    format: str = "text",  # noqa: A002 - the option is --format
    output: str = "",
    replace: bool = False,
    fail_above: str = "",
) -> int:
    """Compare two runs, or two sets of runs: ratios with intervals, and what else differs.

    Of one run on each side the intervals speak of these two runs. To compare machines or days, give
    two runs or more of each, with commas between them: then how runs vary is taken in.
    """
    from fibench.commands import review as reviewing

    return reviewing.compare(first, second, format, output, replace=replace, allowed=fail_above)


@command(
    help={
        "root": "the folder of runs (default: the results folder)",
        "format": f"{any_of((*OF_LISTS, 'html'))} (default: text)",
        "experiment": "only the runs of this experiment",
        "machine": "only those of machines with this in their name: ryzen, '4 cores'",
        "since": "only those that were made on this day or later: 2026-11-23 (UTC)",
        "until": "only those that were made on this day or earlier",
        "matrix": "a row for each run, and a column for each claim",
        "claims": "judge all of them by the claims of this file, marked as added afterwards",
        "html": "make a page to look at, kept as runs.html in the folder of runs",
        "open": "make that page, and show it in a browser",
        **_OUTPUT,
    }
)
def runs(
    context: Context,
    root: str = "",
    format: str = "",  # noqa: A002 - the option is --format
    experiment: str = "",
    machine: str = "",
    since: str = "",
    until: str = "",
    html: bool = False,
    open: bool = False,  # noqa: A002 - the option is --open
    output: str = "",
    replace: bool = False,
    matrix: bool = False,
    claims: str = "",
) -> int:
    """List runs, from one machine or many: a row for each run and claim, or a page of them all."""
    from fibench.commands.listing import listed
    from fibench.commands.listing.asked import Narrowing

    which = Narrowing(experiment, machine, since, until)
    if html or open or format == "html":
        return listed.runs_page(
            root, format, output, which, replace=replace, opened=open, claims=claims, matrix=matrix
        )
    return listed.runs(
        root, format, experiment, output, replace=replace, which=which, claims=claims, matrix=matrix
    )


def _collection(*tasks: Task[Body]) -> Collection:
    return Collection(*tasks)


OF_A_RUN = (
    *(run, try_, watch, plan, backends, interpreters, serve, load),
    *(report, compare, runs, grade, doctor),
)
"""What needs no checkout."""


def main(name: str = "fibench", *, of_a_checkout: bool = False) -> NoReturn:
    """The command line, to its end: `fibench`, or in a checkout `invoke`, which has more."""
    called.keep(name)
    tasks = OF_A_RUN + (OF_THE_SOURCES if of_a_checkout else ())
    sys.exit(CommandLine(name, fibench.__version__, _collection(*tasks)).main())
