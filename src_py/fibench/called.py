# SPDX-License-Identifier: BSD-3-Clause
"""How the person started fibench, so that advice can be typed as it stands.

`./dev invoke`, a bare `invoke`, `fibench` of a wheel, `python3 -m fibench`: no other module writes
one of these into what it says.
"""

from fibench.folders import find_places

_started_by: str | None = None


def keep(program: str) -> None:
    """Keep the words that go before the name of a command: "./dev invoke", "fibench"."""
    global _started_by
    _started_by = program


def program() -> str:
    """The words that go before the name of a command."""
    return _started_by or ("invoke" if _in_checkout() else "fibench")


def command(words: str) -> str:
    """A command of fibench's as the person would type it: of "doctor" "./dev invoke doctor"."""
    return f"{program()} {words}"


def through_dev(words: str) -> str:
    """A command that ./dev runs, in a checkout: of "meson" "./dev meson"."""
    dev = program().removesuffix(" invoke")
    return f"{dev if dev != program() else './dev'} {words}"


def rebuilding() -> str:
    """What brings back a program that is missing or damaged, as a request."""
    return f"run `{command('build')}`" if _in_checkout() else "install fibench anew"


def restoring(name: str) -> str:
    """What brings back a file of fibench's own, as a request."""
    return f"restore {name} from the repository" if _in_checkout() else "install fibench anew"


def installing(package: str, extra: str) -> str:
    """How a Python package is got that fibench does without: its name, and that of our extra."""
    words = f"pip install {package}"
    return through_dev(words) if _in_checkout() else f"pip install 'fibench[{extra}]'"


def _in_checkout() -> bool:
    return find_places().checkout is not None
