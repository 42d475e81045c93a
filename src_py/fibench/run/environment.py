# SPDX-License-Identifier: BSD-3-Clause
"""environment.json: the machine that a run's numbers were made on. Absent things are null.

docs/results.md says what each member means. Gathering takes some tens of milliseconds, most of them
for two calls of git.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

from fibench import __version__
from fibench.build import compiler, libraries
from fibench.folders import Places
from fibench.json_values import Json, Object
from fibench.machine import cores as machine
from fibench.machine import facts, read_line
from fibench.machine.quota import cgroup_cpu_quota
from fibench.run._identity import Identity

SCHEMA = 2


def environment(places: Places, identity: Identity) -> Object:
    """The whole document; `identity` brings the programs and the interpreters of the run."""
    return {
        "schema": SCHEMA,
        "processor": machine.processor_model(),
        "architecture": platform.machine(),
        "cpus": os.cpu_count(),
        "affinity": sorted(os.sched_getaffinity(0)),
        "physical_cores": machine.physical_cores(),
        "usable_cores": machine.usable_cores(),
        "cgroup_cpu_quota_cores": cgroup_cpu_quota(),
        "memory_bytes": facts.memory_bytes(),
        "governor": machine.governor(),
        "turbo": facts.turbo(),
        "smt": facts.smt(),
        "virtualisation": facts.virtualisation(),
        "power_source": machine.power_source(),
        "kernel": platform.release(),
        "boot_id": machine.boot_id(),
        "clocksource": facts.clocksource(),
        "transparent_hugepages": facts.chosen(
            read_line("/sys/kernel/mm/transparent_hugepage/enabled")
        ),
        "mitigations": facts.mitigations(),
        "limits": facts.limits(),
        "cgroup": facts.cgroup(),
        "libc": " ".join(platform.libc_ver()).strip() or None,
        "fibench": __version__,
        "compiler": compiler(places.programs),
        "libraries": libraries(places.programs),
        "interpreters": identity["interpreters"],
        "programs": identity["programs"],
        "python": {"executable": sys.executable, **machine.own_interpreter()},
        "git": git(places.checkout),
    }


def git(checkout: Path | None) -> dict[str, Json]:
    """The commit that is checked out, and whether files differ from it."""
    revision = changed = None
    if checkout is not None:
        revision = _git(["rev-parse", "HEAD"], checkout)
        status = _git(["--no-optional-locks", "status", "--porcelain"], checkout)
        changed = None if status is None else bool(status)
    return {"revision": revision or None, "changed": changed}


def _git(words: list[str], checkout: Path) -> str | None:
    try:
        done = subprocess.run(
            ["git", *words], cwd=checkout, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
