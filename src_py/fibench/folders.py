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
    build_elsewhere: Path | None = None
    """Where Meson builds, if not in the checkout."""

    @property
    def build(self) -> Path:
        """Meson's build folder; there is one in a checkout only."""
        assert self.checkout is not None
        return self.build_elsewhere or self.checkout / "build"


def find_places(package: Path = PACKAGE, working: Path | None = None) -> Places:
    """Tell a checkout from an installed package by what lies above the package.

    The environment's FIBENCH_RESULTS names another folder for results, FIBENCH_BUILD one to build
    in.
    """
    working = working or Path.cwd()
    results = _named("FIBENCH_RESULTS")
    root = package.parent.parent
    if (root / "meson.build").is_file() and (root / "src_c").is_dir():
        build = _named("FIBENCH_BUILD")
        build = build and build.resolve()  # as Meson keeps it
        return Places(
            checkout=root,
            programs=(build or root / "build") / "install" / "libexec" / "fibench",
            catalogue=root / "catalogue.toml",
            experiments=(root / "experiments",),
            results=results or root / "results",
            build_elsewhere=build,
        )
    return Places(
        checkout=None,
        programs=package / "libexec",
        catalogue=package / "libexec" / "catalogue.toml",
        experiments=(working / "experiments", package / "experiments"),
        results=results or working / "results",
    )


def _named(variable: str) -> Path | None:
    """The folder that a variable names, from where the person stands: ./dev goes elsewhere."""
    named = os.environ.get(variable)
    return from_here(named).absolute() if named else None


def refusal_to_write(folder: Path) -> str | None:
    """Why a folder cannot be made or written; None when it can."""
    above = folder
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        return f"{above} is not a folder"
    if not os.access(above, os.W_OK | os.X_OK):
        reads_only = os.statvfs(above).f_flag & os.ST_RDONLY
        return f"{above} is on a read-only file system" if reads_only else f"{above} is not yours"
    return None


def origin() -> Path:
    """The folder where the person stands: ./dev goes to the checkout."""
    return from_here("").absolute()


def from_here(name: str) -> Path:
    """A path as the person means it, from where they stand."""
    return Path(os.environ.get("FIBENCH_FROM", ""), name)
