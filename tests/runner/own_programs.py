# SPDX-License-Identifier: BSD-3-Clause
"""Folders of programs of one's own: servers of a few lines, beside the real `supervise`."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.runner.pythons import pyenv
from tests.runner.small_servers import LISTEN

from fibench.backends.available import Here, find_here
from fibench.backends.catalogue import Backend, known_backends
from fibench.experiment.experiment import parse_experiment

LACKS = "import sys; print('{said}', file=sys.stderr); sys.exit(77)"
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

    def find_here(self, text: str) -> Here:
        experiment = parse_experiment(text, "e.toml", known_backends(self.backends))
        return find_here(experiment, self.folder, self.backends, self.programs)


def make_machine(programs: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """One that has no server yet, and whose PATH and pyenv have two Pythons."""
    own = folder / "programs"
    own.mkdir()
    (own / "supervise").symlink_to(programs / "supervise")
    for name, value in pyenv(folder / "pyenv", "3.13.1", "3.12.4").items():
        monkeypatch.setenv(name, value)
    return Machine(folder, own)


def left_out(here: Here) -> dict[str, str]:
    return {absent.cell.label: absent.reason for absent in here.experiment.absent.cells}


def matrix(*backends: str, interpreters: str = "", claims: str = "") -> str:
    names = ", ".join(f'"{name}"' for name in backends)
    axis = f"interpreter = [{interpreters}]\n" if interpreters else ""
    return f'title = "t"\n[[matrix]]\nbackend = [{names}]\n{axis}{claims}'
