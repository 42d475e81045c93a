# SPDX-License-Identifier: BSD-3-Clause
"""The machine that a stored run was made on, as the run's files tell: of what they do not say,
that it is not known. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_MODEL_NOISE = re.compile(r"\((?:R|TM)\)|\bCPU\b|\bProcessor\b|@.*$|\b[0-9]+-Core\b", re.IGNORECASE)


def cores_of(environment: Mapping[str, Any], plan: Mapping[str, Any]) -> int | None:
    """How many physical cores a run could use, at least 1; None: its files do not say.

    plan.json has them too, since a run is gone on with on the same machine alone.
    """
    cores = environment.get("usable_cores")
    if type(cores) is int and cores > 0:
        return cores
    listed = _identity(plan).get("cores")
    return len(listed) if isinstance(listed, list) and listed else None


def machine_line_of(environment: Mapping[str, Any], plan: Mapping[str, Any]) -> str:
    """The machine that a run was made on, in one line."""
    cores = cores_of(environment, plan)
    if not environment:
        had = f" of {_several(cores)}" if cores is not None else ""
        return f"an unknown machine{had} (environment.json is missing or empty)"
    python = environment.get("python")
    version = python.get("version") if isinstance(python, dict) else None
    words = [
        str(environment.get("processor") or "unknown processor"),
        "an unknown number of cores" if cores is None else _several(cores),
        f"Linux {environment.get('kernel') or 'of unknown version'}",
        *([f"Python {version}"] if version else []),
    ]
    return ", ".join(words)


def processor_of(environment: Mapping[str, Any]) -> str:
    """The processor's name without what all have in theirs; empty where it is not known."""
    return " ".join(_MODEL_NOISE.sub(" ", str(environment.get("processor") or "")).split())


def is_of_another_boot(environment: Mapping[str, Any], plan: Mapping[str, Any]) -> bool:
    """Whether environment.json tells of another boot, or machine, than the plan was made on."""
    told, planned = environment.get("boot_id"), _identity(plan).get("boot_id")
    return isinstance(told, str) and isinstance(planned, str) and told != planned


def _identity(plan: Mapping[str, Any]) -> Mapping[str, Any]:
    identity = plan.get("identity")
    return identity if isinstance(identity, dict) else {}


def _several(cores: int) -> str:
    return "1 core" if cores == 1 else f"{cores} cores"
