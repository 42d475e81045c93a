# SPDX-License-Identifier: BSD-3-Clause
"""What of an experiment can run here: servers that say what they lack, Pythons that are not there.

The servers are of a few lines, in a folder of programs of their own, beside the real `supervise`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.runner.pythons import pyenv, script
from tests.runner.small_servers import LISTEN

from fibench.available import Here, lacking, look, unloadable, why_unavailable
from fibench.catalogue import Backend, known_backends, listing, read_catalogue
from fibench.experiment import parse_experiment
from fibench.plan import plan, plan_json, warnings
from fibench.processes import descendants

LACKS = "import sys; print('{said}', file=sys.stderr); sys.exit(77)"
GONE = "error while loading shared libraries: libx.so.2: cannot open shared object file: No such"
INSTALL_LIBAIO = (
    "not built, for want of libaio; install it (libaio-dev, libaio-devel), then `invoke build`"
)
ALLOW_LIBAIO = (
    "left out of the build, as -Dlibaio=disabled asks; "
    "`./dev meson configure build -Dlibaio=auto`, then `invoke build`"
)
PATH = os.environ.get("PATH", os.defpath)
COMPILER = shutil.which(os.environ.get("CC") or "cc")
SERVES = (
    LISTEN.replace("int(sys.argv[1])", "0")
    + """
listener.bind((host, 0)); listener.listen(); port = listener.getsockname()[1]
tell(); serve()
"""
)


@dataclass
class Machine:
    """A folder of programs, and the catalogue of them."""

    folder: Path
    programs: Path
    backends: dict[str, Backend] = field(default_factory=dict)

    def has(self, name: str, body: str, *, needs: str = "", language: str = "python") -> Backend:
        """Add a server; one that is not in Python is a script too, of this interpreter."""
        program = f"{name}.py"
        path = self.programs / program
        path.write_text(f"#!{sys.executable} -S\n{body}")
        path.chmod(0o755)
        backend = Backend(name, program, language, "test", needs=needs)
        self.backends[name] = backend
        return backend

    def starts(self, name: str) -> str:
        """The beginning of a server that keeps a line for each of its starts."""
        path = str(self.folder / f"{name}.starts")
        return (
            f"import os\nfd = os.open({path!r}, 0o2101, 0o600); os.write(fd, b'x'); os.close(fd)\n"
        )

    def started(self, name: str) -> int:
        """How often it was started."""
        path = self.folder / f"{name}.starts"
        return path.stat().st_size if path.exists() else 0

    def look(self, text: str) -> Here:
        experiment = parse_experiment(text, "e.toml", known_backends(self.backends))
        return look(experiment, self.folder, self.backends, self.programs)


@pytest.fixture
def machine(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    own = tmp_path / "programs"
    own.mkdir()
    (own / "supervise").symlink_to(programs / "supervise")
    for name, value in pyenv(tmp_path / "pyenv", "3.13.1", "3.12.4").items():
        monkeypatch.setenv(name, value)
    return Machine(tmp_path, own)


def left_out(here: Here) -> dict[str, str]:
    return {absent.cell.label: absent.reason for absent in here.experiment.absent.cells}


def matrix(*backends: str, interpreters: str = "", claims: str = "") -> str:
    names = ", ".join(f'"{name}"' for name in backends)
    axis = f"interpreter = [{interpreters}]\n" if interpreters else ""
    return f'title = "t"\n[[matrix]]\nbackend = [{names}]\n{axis}{claims}'


def claim(needs: str) -> str:
    return (
        '[[claim]]\nsays = "It serves"\nvalue = { backend = "c-plain" }\n'
        f'metric = "throughput"\nabove = 1\n{needs}\n'
    )


# Backends


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

    assert lacking(backend, machine.programs) is None
    assert descendants(os.getpid()) == []


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
    if COMPILER is None:
        pytest.skip("no C compiler here")
    subprocess.run([COMPILER, *words], check=True, env={**os.environ, "PATH": PATH})


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
    here = machine.look(matrix("c-gone", "c-plain"))
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


def test_needs_and_busy_are_read_from_the_catalogue(tmp_path: Path) -> None:
    entry = '[[backend]]\nname = "c-{0}"\nprogram = "{0}"\nlanguage = "c"\ndesign = "{0}"\n'
    entry += "serves = 1\ncores = 1\n"
    path = tmp_path / "catalogue.toml"
    path.write_text(entry.format("a") + 'needs = "io_uring"\nbusy = true\n' + entry.format("b"))

    found = read_catalogue(path)
    assert (found["c-a"].needs, found["c-a"].busy) == ("io_uring", True)
    assert (found["c-b"].needs, found["c-b"].busy) == ("", False)


# Cells


def test_cells_of_what_cannot_run_are_left_out_of_the_plan(machine: Machine) -> None:
    machine.has("c-off", LACKS.format(said="no io_uring"), needs="io_uring", language="c")
    machine.has("c-plain", "", language="c")
    here = machine.look(matrix("c-off", "c-plain") + "n = [1, 2]\n")

    assert [cell.label for cell in here.experiment.cells] == ["c-plain n=1", "c-plain n=2"]
    assert {trial.cell.backend for trial in plan(here.experiment)} == {"c-null", "c-plain"}
    assert left_out(here) == dict.fromkeys(["c-off n=1", "c-off n=2"], "c-off: no io_uring")
    assert list(here.experiment.absent.lines()) == ["2 cells left out: c-off: no io_uring"]


def test_each_pair_of_backend_and_interpreter_is_started_once(machine: Machine) -> None:
    machine.has("py-a", machine.starts("py-a") + SERVES)
    machine.has("py-b", machine.starts("py-b") + SERVES, needs="luck")
    here = machine.look(matrix("py-a", "py-b", interpreters='"3.12", "3.13"') + "n = [1, 2, 3]\n")

    assert left_out(here) == {}
    assert (machine.started("py-a"), machine.started("py-b")) == (2, 2)


def test_without_a_named_interpreter_servers_in_python_are_not_started(machine: Machine) -> None:
    machine.has("py-a", machine.starts("py-a") + SERVES)
    machine.look(matrix("py-a"))

    assert machine.started("py-a") == 0


def test_cells_on_an_interpreter_that_is_not_there_are_left_out(machine: Machine) -> None:
    machine.has("py-a", SERVES)
    machine.has("c-plain", "", language="c")
    here = machine.look(matrix("py-a", "c-plain", interpreters='"3.13", "3.99"'))

    assert [cell.label for cell in here.experiment.cells] == ["py-a interpreter=3.13", "c-plain"]
    assert left_out(here) == {
        "py-a interpreter=3.99": "interpreter 3.99: pyenv has no such version, and there is no "
        "python3.99 on the PATH"
    }
    assert list(here.interpreters) == ["3.13"]


def test_cells_whose_server_lacks_something_on_one_interpreter_are_left_out(
    machine: Machine,
) -> None:
    """As asyncio.run on Python 3.6: the wrapper stands for an interpreter that is told apart."""
    old = machine.folder / "pyenv" / "versions" / "3.12.4" / "bin" / "python"
    script(old, f'TZ=old; export TZ; exec "{sys.executable}" "$@"')
    lacks = "import os, sys\nif os.environ.get('TZ') == 'old': sys.exit(77)\n"
    machine.has("py-a", lacks + SERVES)
    here = machine.look(matrix("py-a", interpreters='"3.13", "3.12"'))

    assert left_out(here) == {
        "py-a interpreter=3.12": "py-a on 3.12: it does not say what it lacks"
    }


def test_a_path_is_relative_to_the_folder_of_the_file(machine: Machine) -> None:
    script(machine.folder / "venv" / "python")
    machine.has("py-a", SERVES)
    here = machine.look(matrix("py-a", interpreters='"./venv/python"'))

    assert left_out(here) == {}
    assert here.interpreters["./venv/python"].path == str(machine.folder / "venv" / "python")


def test_servers_of_ones_own_are_taken_as_they_are(machine: Machine) -> None:
    own = '[backends.mine]\ncommand = ["./gone", "{port}"]\n'

    assert left_out(machine.look(matrix("mine") + own)) == {}


# Claims


@pytest.mark.parametrize(
    ("needs", "obstacle"),
    [
        ('needs_backend = "c-off"', "needs c-off: no io_uring"),
        ('needs_backend = ["c-on", "c-plain"]', None),
        (
            'needs_interpreter = ["3.13", "pypy3"]',
            "needs interpreter pypy3: it is not on the PATH, and pyenv has no such version",
        ),
        ('needs_interpreter = "3.12"', None),
    ],
)
def test_the_needs_of_a_claim_are_looked_for_though_no_cell_has_them(
    machine: Machine, needs: str, obstacle: str | None
) -> None:
    machine.has("c-plain", "", language="c")
    machine.has("c-on", SERVES, needs="io_uring", language="c")
    machine.has("c-off", LACKS.format(said="no io_uring"), needs="io_uring", language="c")
    experiment = machine.look(matrix("c-plain", claims=claim(needs))).experiment

    assert experiment.absent.obstacle(experiment.claims[0]) == obstacle
    assert len(experiment.cells) == 1
    warned = [f'"It serves" is not testable here: {obstacle}'] if obstacle else []
    assert warnings(experiment, {}, 2) == warned


def test_the_plan_as_json_has_what_is_left_out_and_why(machine: Machine) -> None:
    machine.has("c-plain", "", language="c")
    machine.has("c-off", LACKS.format(said="no io_uring"), needs="io_uring", language="c")
    needs = 'needs_backend = "c-off"\nneeds_interpreter = "3.99"'
    here = machine.look(matrix("c-plain", "c-off", claims=claim(needs)))

    document: Mapping[str, object] = plan_json(here.experiment)
    (cell,) = here.experiment.absent.cells
    assert document["left_out"] == [
        {
            "key": cell.cell.key,
            "label": "c-off",
            "parameters": dict(cell.cell.parameters),
            "reason": "c-off: no io_uring",
        }
    ]
    assert document["not_here"] == {
        "backends": {"c-off": "no io_uring"},
        "interpreters": {
            "3.99": "pyenv has no such version, and there is no python3.99 on the PATH"
        },
    }


def test_a_plan_of_which_nothing_can_run_has_no_trials(machine: Machine) -> None:
    machine.has("c-off", LACKS.format(said="no io_uring"), needs="io_uring", language="c")
    here = machine.look(matrix("c-off"))

    assert plan(here.experiment) == ()
