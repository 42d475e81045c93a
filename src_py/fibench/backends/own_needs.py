# SPDX-License-Identifier: BSD-3-Clause
"""Whether a server of the user's own can run here: its program is on the PATH, and what it `needs`
is found by running that once."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from tempfile import TemporaryDirectory

from fibench.backends.own_servers import not_installed
from fibench.experiment import OwnBackend
from fibench.server import StartError, clean_environment
from fibench.server.once import run_once
from fibench.server.start_error import last_words
from fibench.wording import escaped

LIMIT_S = 20.0
"""How long what is run to find out may take."""


def why_not_here(own: OwnBackend, supervise: Path) -> str | None:
    """Why a server cannot be run here, and what brings what is lacking; None if it can, or if that
    is not in doubt. Where `supervise` was not built yet, nothing is run to find out."""
    why = not_installed(own)
    if why is not None or not own.needs or not supervise.is_file():
        return why
    lacks = _lacking(own, supervise)
    if lacks is None:
        return None
    brings = f"`{escaped(own.install)}` brings it" if own.install else "install what it needs"
    return f"{lacks}: {brings}"


def _lacking(own: OwnBackend, supervise: Path) -> str | None:
    """The last line of what fails where the server cannot run; None if nothing does."""
    argv = list(own.needs)
    if os.sep in argv[0]:
        argv[0] = str(own.folder.absolute() / argv[0])
    with TemporaryDirectory(prefix="fibench-") as folder:
        try:
            done = run_once(
                argv,
                supervise=supervise,
                cwd=own.folder,
                output=Path(folder, "needs.out"),
                environment=_environment(own),
                limit_s=LIMIT_S,
            )
        except StartError as error:
            return str(error)
    if done.how is None:
        return None
    return last_words(done.said) or f"{escaped(shlex.join(own.needs))} {done.how}"


def _environment(own: OwnBackend) -> dict[str, str]:
    """That of the server, but for what only a cell gives a value to."""
    told = {name: value for name, value in own.env if "{" not in value and "}" not in value}
    return clean_environment(os.environ) | told
