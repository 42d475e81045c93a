# SPDX-License-Identifier: BSD-3-Clause
"""Where things are: in a checkout of the sources, or beside an installed package."""

import os
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Places:
    """The folders that fibench reads from and writes to."""

    checkout: Path | None
    """The checkout's root; None when fibench runs as an installed package."""
    programs: Path
    """Where the servers, the clients, fibload and supervise are installed side by side."""
    catalogue: Path
    """The one list of backends."""
    experiments: tuple[Path, ...]
    """Where an experiment given by its name alone is looked for, in this order."""
    results: Path
    """Where runs are kept."""

    @property
    def build(self) -> Path:
        """Meson's build folder; there is one in a checkout only."""
        assert self.checkout is not None
        return self.checkout / "build"


def find_places(package: Path = PACKAGE, working: Path | None = None) -> Places:
    """Tell a checkout from an installed package by what lies above the package.

    The environment's FIBENCH_RESULTS names another folder for results.
    """
    working = working or Path.cwd()
    named = os.environ.get("FIBENCH_RESULTS")
    results = Path(os.environ.get("FIBENCH_FROM", ""), named) if named else None
    root = package.parent.parent
    if (root / "meson.build").is_file() and (root / "src_c").is_dir():
        return Places(
            checkout=root,
            programs=root / "build" / "install" / "libexec" / "fibench",
            catalogue=root / "catalogue.toml",
            experiments=(root / "experiments",),
            results=results or root / "results",
        )
    return Places(
        checkout=None,
        programs=package / "libexec",
        catalogue=package / "libexec" / "catalogue.toml",
        experiments=(working / "experiments", package / "experiments"),
        results=results or working / "results",
    )
