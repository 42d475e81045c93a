# SPDX-License-Identifier: BSD-3-Clause
"""The commands of a checkout alone, as Invoke tasks: thin wrappers, as in tasks.py, which has those
that a wheel has too.
"""

from invoke.context import Context

from fibench.commands.helping.declaring import command


@command()
def build(context: Context) -> int:
    """Compile the C programs, and install all servers side by side."""
    from fibench.commands import build as commands

    return commands.build()


@command(
    help={
        "all": "the long forms too: soak tests, every interpreter",
        "select": "only the tests that match this pytest -k expression",
        "sanitize": "build C with a sanitizer, address,undefined or thread, and test it alone",
    }
)
def test(
    context: Context,
    all: bool = False,  # noqa: A002 - the option is --all
    select: str = "",
    sanitize: str = "",
) -> int:
    """Run the tests of C (meson test) and of everything (pytest)."""
    from fibench.develop import develop

    return develop.test(long_forms=all, select=select, sanitize=sanitize)


@command(help={"fix": "first format all sources, and mend what ruff can mend by itself"})
def lint(context: Context, fix: bool = False) -> int:
    """Check style, types, imports: ruff, mypy --strict, import-linter, clang-format, clang-tidy;
    and experiment files by their schema: tombi."""
    from fibench.develop import develop

    return develop.lint(fix=fix)


@command(
    "server",
    help={
        "server": "its command in one text: './my_server {port}'; with {options} in it, where "
        "options go, it is held to the whole command line of docs/demands.md",
        "serves": "how many connections it serves at once: a number, workers or any (default)",
        "select": "only the tests that match this pytest -k expression",
    },
)
def check(
    context: Context, of_check: dict[str, str], server: str, serves: str = "", select: str = ""
) -> int:
    """Hold a server of your own to what every server must do: docs/demands.md has it all."""
    from fibench.develop import develop

    return develop.check(server, of_check, serves, select)


@command(
    optional=["designs"],
    help={
        "duration": "seconds of each measurement of servers (default: 2, of designs as suits)",
        "rounds": "of these measurements (default: 6)",
        "designs": "what is promised of the designs; --designs=keepalive,connections,computing,"
        "idle,python: these parts of it",
        "load": "fibload's open loop: rates met, its own lag, percentiles beside the truth; its "
        "rates and its CPU time beside wrk and redis-benchmark",
        "runner": "the runner's own work: estimating, journals, listing runs, a page, trials",
        "probe": "what the probe costs rates, and what it finds",
        "live": "what the live view of a run costs the figures that it shows",
        "statistics": "simulate how often intervals and verdicts are right, and write the tables "
        "of docs/statistics.md; takes minutes",
    },
)
def bench(
    context: Context,
    duration: str = "",
    rounds: str = "",
    designs: str = "",
    load: bool = False,
    runner: bool = False,
    probe: bool = False,
    live: bool = False,
    statistics: bool = False,
) -> int:
    """Measure CPU per request of the C servers and of fibload, beside a bare echo."""
    from fibench.develop import develop

    # Invoke gives True for an option without the value that it may have.
    parts = develop.ALL_PARTS if designs is True else designs  # type: ignore[comparison-overlap]
    others = {"load": load, "runner": runner, "probe": probe, "live": live}
    return develop.bench(duration, rounds, parts, statistics=statistics, **others)


@command()
def clean(context: Context) -> int:
    """Remove what a build or a check made; results stay."""
    from fibench.develop import develop

    return develop.clean()


OF_THE_SOURCES = (build, test, check, lint, bench, clean)
