# SPDX-License-Identifier: BSD-3-Clause
"""What a report says in one line each of where and with what a run was made."""

from __future__ import annotations

import platform
import re

from fibench.build import not_own
from fibench.json_values import object_or_empty
from fibench.machine.cores import processor_model
from fibench.store import StoredRun
from fibench.store.kept import KeptEnvironment

_MODEL_NOISE = re.compile(r"\((?:R|TM)\)|\bCPU\b|\bProcessor\b|@.*$|\b[0-9]+-Core\b", re.IGNORECASE)


def machine_line(cores: int) -> str:
    """This machine, of which `cores` may be used."""
    return (
        f"{processor_model()}, {_several(cores)}, Linux {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def machine_line_of(run: StoredRun) -> str:
    """The machine that a run was made on; it says what is not known."""
    environment, cores = run.environment, run.cores
    if not environment.document:
        had = f" of {_several(cores)}" if cores is not None else ""
        return f"an unknown machine{had} (environment.json is missing or empty)"
    words = [
        environment.processor or "unknown processor",
        "an unknown number of cores" if cores is None else _several(cores),
        f"Linux {environment.kernel or 'of unknown version'}",
        *([f"Python {environment.python}"] if environment.python else []),
    ]
    return ", ".join(words)


def short_processor(environment: KeptEnvironment) -> str:
    """The processor's name without what all have in theirs; empty where it is not known."""
    return " ".join(_MODEL_NOISE.sub(" ", environment.processor).split())


def build_line(version: str | None, compiler: object) -> str:
    """What was measured with; empty if nothing is known. `compiler` may be anything."""
    about = object_or_empty(compiler)
    words = [f"fibench {version}"] if version is not None else []
    if isinstance(about.get("id"), str):
        words.append(f"{about['id']} {about.get('version', '')}".rstrip())
    flags = not_own(compiler)
    return ", ".join(words) + (f"; built with flags that are not its own: {flags}" if flags else "")


def _several(cores: int) -> str:
    return "1 core" if cores == 1 else f"{cores} cores"
