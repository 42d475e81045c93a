# SPDX-License-Identifier: BSD-3-Clause
"""What backends can run here: servers that say what they lack, programs that cannot be loaded."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.runner.own_programs import LACKS, SERVES, Machine, left_out, matrix
from tests.runner.small_servers import nobody_is_left

from fibench.backends.available import lacking, unloadable, why_unavailable
from fibench.backends.catalogue import Backend, listing, read_catalogue

GONE = "error while loading shared libraries: libx.so.2: cannot open shared object file: No such"
INSTALL_LIBAIO = (
    "not built, for want of libaio; install it (libaio-dev, libaio-devel), then `invoke build`"
)
ALLOW_LIBAIO = (
    "left out of the build, as -Dlibaio=disabled asks; "
    "`./dev meson configure build -Dlibaio=auto`, then `invoke build`"
)
PATH = os.environ.get("PATH", os.defpath)
COMPILER = shutil.which("cc") or shutil.which("gcc")


def test_a_backend_says_itself_what_it_lacks(machine: Machine) -> None:
    said = LACKS.format(said="c-off.py: io_uring is disabled (kernel.io_uring_disabled=2)")
    backend = machine.has("c-off", said, needs="io_uring", language="c")

    assert lacking(backend, machine.programs) == (
        "io_uring is disabled (kernel.io_uring_disabled=2)"
    )


def test_one_that_says_nothing_is_told_of_all_the_same(machine: Machine) -> None:
    backend = machine.has("c-mute", "import sys; sys.exit(77)", needs="luck")

    assert lacking(backend, machine.programs) == "it does not say what it lacks"


def test_one_that_serves_lacks_nothing_and_nothing_of_it_is_left(machine: Machine) -> None:
    backend = machine.has("c-on", SERVES, needs="io_uring", language="c")

    with nobody_is_left():
        assert lacking(backend, machine.programs) is None


@pytest.mark.parametrize("body", ["import sys; sys.exit('a fault')", "import sys; sys.exit(0)"])
def test_one_that_fails_has_a_fault_which_its_trials_are_to_show(
    machine: Machine, body: str
) -> None:
    assert lacking(machine.has("c-bad", body, needs="x"), machine.programs) is None


def test_one_that_needs_nothing_is_not_started(machine: Machine) -> None:
    backend = machine.has("c-plain", machine.starts("c-plain") + LACKS.format(said="x"))

    assert lacking(backend, machine.programs) is None
    assert machine.started("c-plain") == 0


def test_before_anything_is_built_nothing_is_known(machine: Machine) -> None:
    backend = machine.has("c-off", LACKS.format(said="x"), needs="io_uring")
    (machine.programs / "supervise").unlink()

    assert lacking(backend, machine.programs) is None


def test_a_program_that_the_build_left_out_lacks_what_it_needs(machine: Machine) -> None:
    backend = machine.has("c-off", "", needs="liburing", language="c")
    (machine.programs / backend.program).unlink()

    assert lacking(backend, machine.programs) == "it was not built, for want of liburing"
    said = why_unavailable(backend, machine.programs) or ""
    assert said.startswith("not built, for want of liburing; it was not there, and could not be")
    assert "`invoke build`" in said
    assert "clean" not in said


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (
            {"libraries": {"libaio": {"lacking": "not found"}}},
            INSTALL_LIBAIO,
        ),
        (
            {"libraries": {"libaio": {"lacking": "disabled"}}},
            ALLOW_LIBAIO,
        ),
        (
            {"wheel": True, "libraries": {"libaio": {"lacking": "not found"}}},
            "not built, for want of libaio; install a wheel that was built with libaio",
        ),
        (
            {"libraries": "damaged"},
            INSTALL_LIBAIO,
        ),
    ],
)
def test_the_advice_is_that_of_the_build(
    machine: Machine, record: dict[str, object], said: str
) -> None:
    backend = machine.has("c-off", "", needs="libaio", language="c")
    (machine.programs / backend.program).unlink()
    (machine.programs / "build.json").write_text(json.dumps(record))

    assert why_unavailable(backend, machine.programs) == said


def compile_c(*words: str | Path) -> None:
    """The machine's PATH has other things on it than a compiler's assembler."""
    assert COMPILER is not None
    subprocess.run([COMPILER, *words], check=True, env={**os.environ, "PATH": PATH})


@pytest.mark.needs("a C compiler")
@pytest.mark.parametrize("needs", ["", "libgone"])
def test_a_program_whose_library_is_gone_says_so(machine: Machine, needs: str) -> None:
    """As one of a wheel from another machine: what is linked is real, and so is the loader."""
    library = machine.folder / "libgone.so"
    source = machine.folder / "gone.c"
    source.write_text("int gone(void) { return 0; }\n")
    compile_c("-shared", "-fPIC", source, "-o", library)
    source.write_text("int gone(void);\nint main(void) { return gone(); }\n")
    program = machine.programs / "gone_server"
    compile_c(source, library, "-o", program)
    backend = Backend("c-gone", "gone_server", "c", "test", needs=needs)
    machine.backends["c-gone"] = backend
    machine.has("c-plain", "", language="c")
    assert lacking(backend, machine.programs) is None

    library.unlink()
    why = lacking(backend, machine.programs)
    assert why is not None
    assert "libgone.so" in why
    assert str(program) not in why
    assert why_unavailable(backend, machine.programs) == why
    here = machine.find_here(matrix("c-gone", "c-plain"))
    assert left_out(here) == {"c-gone": f"c-gone: {why}"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            f"/w/p: {GONE}",
            GONE,
        ),
        (
            "/w/p: /lib/libc.so.6: version `GLIBC_2.38' not found (required by /w/p)",
            "/lib/libc.so.6: version `GLIBC_2.38' not found (required by /w/p)",
        ),
        (
            "/w/p: symbol lookup error: /w/p: undefined symbol: io_uring_setup_buf_ring",
            "symbol lookup error: /w/p: undefined symbol: io_uring_setup_buf_ring",
        ),
        (
            "Error loading shared library libaio.so.1: No such file or directory (needed by /w/p)",
            "Error loading shared library libaio.so.1: No such file or directory (needed by /w/p)",
        ),
        ("p: cannot read its libraries of quotations", None),
        ("", None),
    ],
)
def test_the_words_of_loaders_are_told_from_others(line: str, said: str | None) -> None:
    assert unloadable(f"before\n{line}\nafter", "/w/p") == said


def test_a_listing_says_what_each_needs_and_why_it_cannot_run(machine: Machine) -> None:
    machine.has("c-off", LACKS.format(said="c-off.py: no io_uring"), needs="io_uring")
    machine.has("c-on", SERVES, needs="io_uring")
    machine.has("c-plain", "")

    rows = listing(machine.backends.values(), machine.programs, why_unavailable)
    assert [(row["name"], row["needs"], row["busy"], row["reason"]) for row in rows] == [
        ("c-off", "io_uring", False, "no io_uring"),
        ("c-on", "io_uring", False, None),
        ("c-plain", "", False, None),
    ]


def test_needs_busy_and_gil_are_read_from_the_catalogue(tmp_path: Path) -> None:
    entry = '[[backend]]\nname = "c-{0}"\nprogram = "{0}"\nlanguage = "c"\ndesign = "{0}"\n'
    entry += "serves = 1\ncores = 1\n"
    path = tmp_path / "catalogue.toml"
    said = 'needs = "io_uring"\nbusy = true\ngil = true\n'
    path.write_text(entry.format("a") + said + entry.format("b"))

    found = read_catalogue(path)
    assert (found["c-a"].needs, found["c-a"].busy, found["c-a"].gil) == ("io_uring", True, True)
    assert (found["c-b"].needs, found["c-b"].busy, found["c-b"].gil) == ("", False, False)
